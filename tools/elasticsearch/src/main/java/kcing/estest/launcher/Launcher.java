package kcing.estest.launcher;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Runs one Elasticsearch node in this JVM. Arguments: the home folder, then name=value settings.
 * With -Dkcing.owner=stdin the JVM ends when its standard input does, that is when its owner is gone.
 */
public final class Launcher {
    public static void main(String[] args) throws Exception {
        if ("stdin".equals(System.getProperty("kcing.owner"))) {
            Thread watch = new Thread(Launcher::haltAtEndOfInput, "owner");
            watch.setDaemon(true);
            watch.start();
        }
        LogConfigurator.configureESLogging();
        Path home = Path.of(args[0]);
        Settings.Builder b = Settings.builder().put("path.home", home.toString());
        for (int i = 1; i < args.length; i++) {
            int eq = args[i].indexOf('=');
            b.put(args[i].substring(0, eq), args[i].substring(eq + 1));
        }
        Settings settings = b.build();
        Environment env = new Environment(settings, home.resolve("config"));
        LogConfigurator.configureWithoutConfig(settings);
        PluginsLoader loader = PluginsLoader.createPluginsLoader(
            PluginsLoader.loadModulesBundles(env.modulesDir()),
            PluginsLoader.loadPluginsBundles(env.pluginsDir()),
            Map.of(),
            false
        );
        Node node = new Node(env, loader);
        CountDownLatch closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, closed), "close"));
        try {
            node.start();
            closed.await(); // the node's own threads are daemons: without this the JVM would end here
        } catch (Throwable t) {
            t.printStackTrace();
            System.exit(1); // a half-started node leaves threads that would keep the JVM alive
        }
    }

    private static void close(Node node, CountDownLatch closed) {
        try {
            node.close();
        } catch (Exception e) {
            e.printStackTrace();
        }
        closed.countDown();
    }

    /** The owner never writes: a read returns only when the pipe's other end is closed. */
    private static void haltAtEndOfInput() {
        try {
            while (System.in.read() >= 0) {
            }
        } catch (java.io.IOException e) {
            // as good as the end
        }
        Runtime.getRuntime().halt(3);
    }
}
