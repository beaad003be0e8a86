# Runs as root in a system that systemd booted. Each line that begins with WRONG is a failure.
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
# No other kcing, no policy of a container's image against starting services, no index of manual pages for minutes.
rm -f /usr/local/bin/kcing /usr/sbin/policy-rc.d /var/lib/man-db/auto-update
files() { find /etc /usr/bin /usr/lib /usr/share /var/lib /var/cache /opt -xdev -name '*kcing*' 2>/dev/null | sort; }
files >/root/before

want() { # want WHAT COMMAND...: the command succeeds, soon
	what=$1
	shift
	for i in 1 2 3 4 5 6 7 8 9 10; do
		if said=$("$@" 2>&1); then
			echo "ok     $what"
			return
		fi
		sleep 1
	done
	echo "WRONG  $what: $said"
}
never() { # never WHAT COMMAND...: the command fails
	what=$1
	shift
	if said=$("$@" 2>&1); then echo "WRONG  $what: $said"; else echo "ok     $what"; fi
}
as_kcing() { runuser -u kcing -- "$@"; }

want "dpkg -i" dpkg -i /root/kcing.deb
want "kcing serve runs" systemctl is-active kcing.service
want "it answers" kcing healthcheck
want "it starts at boot" systemctl is-enabled kcing.service
never "the crawl is for who wants it" systemctl is-enabled kcing-feed.timer
want "kcing is on PATH" sh -c 'command -v kcing'
want "the manual" sh -c 'zcat /usr/share/man/man1/kcing.1.gz | grep -q "^.TH .KCING. 1"'
if command -v man >/dev/null; then want "man finds it" man -w kcing; fi
want "the completion" bash -c 'source /usr/share/bash-completion/completions/kcing && complete -p kcing'
want "settings are for kcing alone" test "$(stat -c '%U:%G %a' /etc/kcing/kcing.env)" = "root:kcing 640"
want "so is the data" test "$(stat -c '%U:%G %a' /var/lib/kcing)" = "kcing:kcing 700"

cat >/root/callback.json <<'END'
{"id":7,"lab_name":"lab-a","status":2,"status_string":"complete","results":{"lava":"- {name: login-action, result: pass}\n"},
 "log":"- {\"dt\": \"2026-11-20T10:00:07\", \"lvl\": \"info\", \"msg\": \"x\"}\n"}
END
post() { curl -sS --data-binary @/root/callback.json "http://127.0.0.1:8338/"; }
want "a post is taken, although there is no Elasticsearch" test "$(post)" = ok
want "it is in the spool" sh -c 'ls /var/lib/kcing/data/spool/*.record'
status() { as_kcing kcing status --env-file /etc/kcing/kcing.env 2>&1 | grep -q '^spool .*1 record'; }
want "status sees it, beside serve" status

pid=$(systemctl show -P MainPID kcing)
want "reload" systemctl reload kcing
want "reload is heard" sh -c 'journalctl -u kcing | grep -q "read again"'
want "reload starts nothing anew" test "$pid" = "$(systemctl show -P MainPID kcing)"
want "the crawl's unit can be started" systemctl start kcing-feed.timer
want "an upgrade" dpkg -i /root/kcing.deb
want "serve runs after it" systemctl is-active kcing.service
want "it was started anew" test "$pid" != "$(systemctl show -P MainPID kcing)"

want "dpkg -r" dpkg -r kcing
never "serve is gone" systemctl is-active kcing.service
never "the timer too" systemctl is-active kcing-feed.timer
want "settings stay" test -e /etc/kcing/kcing.env
want "back again" dpkg -i /root/kcing.deb
want "serve runs again" systemctl is-active kcing.service
want "the record is still there" status
want "dpkg -P" dpkg -P kcing
never "serve is gone for good" systemctl is-active kcing.service
never "no settings" test -e /etc/kcing
never "no user" getent passwd kcing
never "no group" getent group kcing
want "data stays" sh -c 'ls /var/lib/kcing/data/spool/*.record'
want "of nobody" test "$(stat -c '%U' /var/lib/kcing)" = root
files | grep -v '^/var/lib/kcing' >/root/after
want "nothing else is left" cmp /root/before /root/after
comm -13 /root/before /root/after
want "no user or group but the next" sh -c '! grep kcing /etc/passwd /etc/group /etc/shadow /etc/gshadow'

want "a new install takes the data over" dpkg -i /root/kcing.deb
want "and delivers it" status
echo done
