package kcing.estest.root;

import java.util.List;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;

/** GET and HEAD of /, with the fields that clients read. */
final class RootHandler extends BaseRestHandler {
    private final String node;
    private final String cluster;

    RootHandler(String node, String cluster) {
        this.node = node;
        this.cluster = cluster;
    }

    @Override
    public String getName() {
        return "kcing_root";
    }

    @Override
    public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
        return channel -> {
            XContentBuilder b = channel.newBuilder().startObject();
            b.field("name", node);
            b.field("cluster_name", cluster);
            b.startObject("version");
            b.field("number", Build.current().version());
            b.field("build_flavor", Build.current().flavor());
            b.field("build_type", Build.current().type().displayName());
            b.field("build_hash", Build.current().hash());
            b.field("build_date", Build.current().date());
            b.field("build_snapshot", Build.current().isSnapshot());
            b.field("minimum_wire_compatibility_version", Build.current().minWireCompatVersion());
            b.field("minimum_index_compatibility_version", Build.current().minIndexCompatVersion());
            b.endObject();
            b.field("tagline", "You Know, for Search");
            b.endObject();
            channel.sendResponse(new RestResponse(RestStatus.OK, b));
        };
    }
}
