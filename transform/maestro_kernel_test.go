package transform

import (
	"fmt"
	"testing"
)

// nodeDocs are the sources of a Maestro record's documents, by kind.
func nodeDocs(t *testing.T, payload string) map[string][]map[string]any {
	t.Helper()
	_, d, err := made([]byte(payload), Options{})
	if err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	return sources(t, d)
}

const revision = `"kernel_revision":{"tree":"t","branch":"b","describe":"v1"%s}`

// A job that Maestro lost is not the kernel's fault either.
func TestMaestroLoses(t *testing.T) {
	f := func(result, code, want string) {
		t.Helper()
		s := nodeDocs(t, fmt.Sprintf(`{"node":{"id":"6b01","kind":"job","name":"j","path":["c","j"],"result":%q,"data":{"runtime":"lava-x","error_code":%q}},"tests":[]}`, result, code))
		if got := s[DocBoot][0]; got["boot_result"] != want || got["error_type"] != code {
			t.Errorf("%s, %s: %v, %v", result, code, got["boot_result"], got["error_type"])
		}
	}
	for _, code := range LabErrors {
		f("fail", code, "incomplete")
	}
	f("fail", "Job", "fail")
	f("fail", "Canceled", "canceled")
	f("incomplete", "Test", "incomplete")
	f("pass", "node_timeout", "pass")
}

// Patches on top of a commit make another build of it.
func TestPatchset(t *testing.T) {
	node := `"path":["c","k"],"result":"pass","data":{"runtime":"lava-x","platform":"p","arch":"arm64","defconfig":"d","config_full":"d","compiler":"gcc-14",` + fmt.Sprintf(revision, `,"patchset":"5f6e"`) + `}`
	build := nodeDocs(t, `{"id":"6b01","kind":"kbuild","name":"k",`+node+`}`)[DocBuild][0]
	boot := nodeDocs(t, `{"node":{"id":"6b02","kind":"job","name":"j",`+node+`},"tests":[]}`)[DocBoot][0]
	const want = "t|b|v1|d|arm64|gcc-14|5f6e"
	if build["build_key"] != want || boot["build_key"] != want || build["patchset"] != "5f6e" ||
		boot["patchset"] != "5f6e" || boot["boot_key"] != want+"|lava-x|p" {
		t.Errorf("build %v, boot %v", build, boot)
	}
}

// A build that never began is known by its name, and linked with no other.
func TestBuildWithoutFacts(t *testing.T) {
	f := func(name string, arch, compiler any) {
		t.Helper()
		got := nodeDocs(t, fmt.Sprintf(`{"id":"6b01","kind":"kbuild","name":%q,"result":"incomplete","data":{"error_code":"node_timeout",%s}}`, name, fmt.Sprintf(revision, "")))[DocBuild][0]
		if got["arch"] != arch || got["build_environment"] != compiler || got["build_key"] != nil || got["job"] != "t" {
			t.Errorf("%s: %v", name, got)
		}
	}
	f("kbuild-clang-21-riscv-rust", "riscv", "clang-21")
	f("kbuild-gcc-14-x86", "x86", "gcc-14")
	f("kbuild-gcc-14-armada", nil, nil)
	f("my-build", nil, nil)
}

// A test has one name, with the callback and without.
func TestOneNameForATest(t *testing.T) {
	const node = `"node":{"id":"6b01","kind":"job","name":"j","path":["c","j"],"result":"pass","data":{"runtime":"lava-x","job_id":"7"}},"tests":[` +
		`{"id":"6b02","kind":"test","name":"login","path":["c","j","setup","login"],"result":"pass","data":{}},` +
		`{"id":"6b03","kind":"test","name":"crit","path":["c","j","dmesg","s/1","crit"],"result":"pass","data":{}}]`
	names := func(docs []map[string]any) string {
		list := map[string]bool{}
		for _, d := range docs {
			list[fmt.Sprint(d["test_path"], " ", d["path"])] = true
		}
		return fmt.Sprint(list)
	}
	alone := names(nodeDocs(t, `{`+node+`}`)[DocTest])
	called := names(nodeDocs(t, `{`+node+`,"callback":`+string(callbackJSON("results",
		`{"lava":"- {name: login-action, result: pass}\n","0_dmesg":"- {name: crit, result: pass, metadata: {set: s/1}}\n"}`))+`}`)[DocTest])
	if want := "map[dmesg/s/1/crit dmesg/s/1/crit:true lava/login-action setup/login:true]"; alone != want ||
		called != want {
		t.Errorf("without a callback %s, with it %s", alone, called)
	}
}
