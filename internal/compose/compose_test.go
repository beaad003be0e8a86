package compose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kcing/kcing/internal/compose"
)

func TestRead(t *testing.T) {
	f := func(text, wantErr string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "compose.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := compose.Read(path)
		switch {
		case wantErr == "" && (err != nil || file.Services["a"].Ports[0] != "127.0.0.1:9200:9200"):
			t.Errorf("got %+v, %v", file, err)
		case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
			t.Errorf("%q: got %v, want %q", text, err, wantErr)
		}
	}
	f("x-a: &a {image: i}\nservices: {a: {<<: *a, ports: ['127.0.0.1:${ES_PORT:-9200}:9200']}}", "")
	f("services: {a: {ports: ['${ES_PORT}:9200']}}", "has no default")
	f("services: {a: {port: ['9200:9200']}}", "field port not found")
}
