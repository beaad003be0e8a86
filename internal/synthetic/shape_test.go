package synthetic

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// The numbers come from real callbacks: 15,656 log lines of 2020 to 2023.
func TestRealProfileHasTheShapeOfRealCallbacks(t *testing.T) {
	var bytes, results, definition, lines []int
	var lengths []int
	var logBytes, yamlOnly, maps, spaced int
	for r := range Records(Options{Size: 120, Seed: 3, Now: testNow, Profile: Real}) {
		if r.Kind != "lava" {
			continue
		}
		c := decodeCallback(t, r)
		bytes = append(bytes, len(r.Payload))
		definition = append(definition, len(c.Definition))
		size := 0
		for _, s := range c.Results {
			size += len(s)
		}
		results = append(results, size)
		log := strings.Split(strings.TrimSuffix(c.Log, "\n"), "\n")
		logBytes += len(c.Log)
		if c.Status == 2 {
			lines = append(lines, len(log))
		}
		for _, line := range log {
			lengths = append(lengths, len(line))
			if !json.Valid([]byte(strings.TrimPrefix(line, "- "))) {
				yamlOnly++
			}
			if strings.Contains(line, `"msg": {`) {
				maps++
			}
			if strings.Contains(line, `"ns": `) {
				spaced++
			}
		}
	}
	slices.Sort(lengths)
	n := len(lengths)
	permyriad := func(part int) int { return part * 10_000 / n }
	for _, c := range []struct {
		what          string
		got, low, top int
	}{
		{"mean callback bytes", mean(bytes), 130_000, 170_000},
		{"largest callback bytes", slices.Max(bytes), 190_000, 260_000},
		{"mean results bytes", mean(results), 8_000, 12_000},
		{"mean definition bytes", mean(definition), 3_500, 4_000},
		{"shortest log of a complete job", slices.Min(lines), 540, 700},
		{"longest log of a complete job", slices.Max(lines), 1_200, 1_400},
		{"median line bytes", lengths[n/2], 118, 130},
		{"90th percentile line bytes", lengths[n*9/10], 155, 175},
		{"longest line bytes", lengths[n-1], 2_500, 6_000},
		{"YAML-only lines in 10,000", permyriad(yamlOnly), 75, 115},
		{"map messages in 10,000", permyriad(maps), 200, 280},
		{"feedback lines with ns", spaced, 10, 200},
		{"log share of all bytes in %", logBytes * 100 / (mean(bytes) * len(bytes)), 76, 88},
	} {
		if c.got < c.low || c.got > c.top {
			t.Errorf("%s: %d, want %d to %d", c.what, c.got, c.low, c.top)
		}
	}
}

func mean(n []int) int {
	sum := 0
	for _, v := range n {
		sum += v
	}
	return sum / len(n)
}

func TestDemoProfileIsShort(t *testing.T) {
	var lines, bytes []int
	yamlOnly := 0
	for r := range Records(Options{Size: 200, Seed: 3, Now: testNow}) {
		if r.Kind != "lava" {
			continue
		}
		c := decodeCallback(t, r)
		log := strings.Split(strings.TrimSuffix(c.Log, "\n"), "\n")
		lines, bytes = append(lines, len(log)), append(bytes, len(r.Payload))
		for _, line := range log {
			if !json.Valid([]byte(strings.TrimPrefix(line, "- "))) {
				yamlOnly++
			}
		}
	}
	if m := mean(lines); m < 100 || m > 160 || slices.Max(lines) > 180 {
		t.Errorf("lines: mean %d, longest %d", m, slices.Max(lines))
	}
	if m := mean(bytes); m > 40_000 {
		t.Errorf("mean callback is %d bytes", m)
	}
	if share := yamlOnly * 10_000 / (mean(lines) * len(lines)); share < 50 || share > 150 {
		t.Errorf("%d of 10,000 lines are YAML only, want about 100", share)
	}
}
