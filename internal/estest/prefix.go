package estest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Prefix returns a lower-case index prefix that no other test has, such as "t3f9a1b-". When the test ends, the
// indices, index templates and component templates whose names begin with it are deleted from the server at url.
func Prefix(t testing.TB, url string) string {
	t.Helper()
	b := make([]byte, 4)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	prefix := "t" + hex.EncodeToString(b) + "-"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := deletePrefix(ctx, strings.TrimRight(url, "/"), prefix); err != nil {
			// The test may have killed the server: no reason to fail it.
			t.Logf("deleting %s*: %v", prefix, err)
		}
	})
	return prefix
}

// deletePrefix deletes by name: a server refuses wildcards in a delete by default.
func deletePrefix(ctx context.Context, url, prefix string) error {
	if len(prefix) < 2 {
		return errors.New("the prefix is too short to delete by")
	}
	var indices []struct{ Index string }
	if err := call(ctx, http.MethodGet, url+"/_cat/indices/"+prefix+"*?format=json&h=index&expand_wildcards=all",
		&indices); err != nil {
		return err
	}
	for some := range slices.Chunk(indices, 20) { // a request line may have 4 KiB
		names := make([]string, len(some))
		for i, x := range some {
			names[i] = x.Index
		}
		if err := call(ctx, http.MethodDelete, url+"/"+strings.Join(names, ","), nil); err != nil {
			return err
		}
	}
	for _, kind := range []string{"index_template", "component_template"} {
		var list map[string][]struct{ Name string }
		err := call(ctx, http.MethodGet, url+"/_"+kind+"/"+prefix+"*?filter_path=*.name", &list)
		if err != nil {
			return err
		}
		for _, x := range list[kind+"s"] {
			if err := call(ctx, http.MethodDelete, url+"/_"+kind+"/"+x.Name, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// call decodes the answer into to unless it is nil. An answer 404 is an empty one.
func call(ctx context.Context, method, url string, to any) error {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	switch {
	case res.StatusCode == http.StatusNotFound:
		return nil
	case res.StatusCode >= 300:
		return fmt.Errorf("%s %s: %s: %s", method, req.URL.Redacted(), res.Status, body)
	case to == nil:
		return nil
	}
	return json.Unmarshal(body, to)
}
