package synthetic

import (
	"encoding/json"
	"maps"
	"strings"
	"time"
)

// boot makes one report of a lab without LAVA; n counts within the revision.
func (s *schedule) boot(builds []*build, seq, n, total int) Record {
	r := newRandom(s.Seed, streamBoot, seq)
	place, b, k := bootPlace(builds, seq+n)
	at := k.at + 15*minute + int64(n)*150*minute/int64(max(total, 1)) + int64(r.below(300))*second +
		int64(r.below(1_000_000))
	oid := s.objectID(at, r, seq|0x800000)
	result := bootResult(r, b)
	centi := b.bootCenti + b.bootCenti/100*r.between(-5, 9)
	o := object{
		"_id": object{"$oid": oid}, "created_on": createdOn(at, r.below(3)), "version": "1.0",
		"lab_name": place.lab, "board": b.name, "mach": b.mach,
		"arch": b.arch, "job": k.rev.branch.tree, "kernel": k.rev.describe,
		"defconfig": k.target.defconfig, "build_environment": k.target.compiler,
		"boot_result": result, "boot_time": bootTime(r, result, centi),
		"boot_warnings": r.below(4), "endian": k.arch.endian,
		"boot_log": "boot-" + b.name + ".txt", "boot_log_html": "boot-" + b.name + ".html",
		"file_server_url": storage, "file_server_resource": k.path(),
		"kernel_image": k.arch.image, "loadaddr": "0x" + r.hex(6) + "00",
		"initrd_addr": "0x" + r.hex(6) + "00", "dtb_append": "False",
		"uimage": nil, "fastboot": false,
		"fastboot_cmd": "", pick(r, []string{"retries", "boot_retries"}): r.below(2),
	}
	if b.dtb != "" {
		o["dtb"] = "dtbs/" + b.dtb
	}
	if result != "PASS" {
		o["boot_result_description"] = "no login prompt before the timeout"
	}
	// Labs that follow the current documentation name the revision as well;
	// the older reports have only job and kernel.
	if place.lab == "lab-sorrel" {
		maps.Copy(o, object{
			"git_branch": k.rev.branchName, "git_commit": k.rev.commit, "git_describe": k.rev.describe,
			"git_url": k.rev.branch.url, "defconfig_full": k.target.defconfigFull(),
			"completed": time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05"),
		})
	}
	return Record{Name: "boot_" + oid + ".json", Kind: "boot", Payload: jsonText(o)}
}

// bootPlace gives the next board, from where on, that has a build to boot. There
// is always one: the first build of a revision passes and is for arm64.
func bootPlace(builds []*build, from int) (bootSite, *board, *build) {
	for i := range bootSites {
		place := bootSites[(from+i)%len(bootSites)]
		b := boardNamed(place.board)
		for _, k := range builds {
			if k.pass && b.boots(k.target) {
				return place, b, k
			}
		}
	}
	return bootSites[0], boardNamed(bootSites[0].board), builds[0]
}

func bootResult(r *random, b *board) string {
	roll := r.below(100)
	if strings.HasPrefix(b.name, "dm365evm") {
		roll += 14 // an old board that is often away
	}
	switch {
	case roll < 84:
		return "PASS"
	case roll < 93:
		return "FAIL"
	case roll < 104:
		return "OFFLINE"
	case roll < 109:
		return "UNTRIED"
	}
	return "UNKNOWN"
}

// bootTime is a number, or from some labs a string.
func bootTime(r *random, result string, centi int) any {
	if result == "OFFLINE" || result == "UNTRIED" {
		centi = 0
	}
	if r.chance(200) {
		return hundredths(centi)
	}
	return json.Number(hundredths(centi))
}
