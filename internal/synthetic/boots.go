package synthetic

import (
	"strings"
	"time"
)

// boot makes one report of a lab without LAVA; n counts within the revision.
func (s *schedule) boot(builds []*build, seq, n, total int) Record {
	r := newRandom(s.Seed, streamBoot, seq)
	place, b, k := bootPlace(builds, seq+n)
	at := k.at + 15*minute + int64(n)*150*minute/int64(max(total, 1)) + int64(r.below(300))*second +
		int64(r.below(1_000_000))
	oid := objectID(at, r, seq|0x800000)
	result := bootResult(r, b)
	centi := b.bootCenti + b.bootCenti/100*r.between(-5, 9)
	fields := []field{
		oidMember(oid), createdOn(at, r.below(3)), textMember("version", "1.0"),
		textMember("lab_name", place.lab), textMember("board", b.name), textMember("mach", b.mach),
		textMember("arch", b.arch), textMember("job", k.rev.branch.tree), textMember("kernel", k.rev.describe),
		textMember("defconfig", k.target.defconfig), textMember("build_environment", k.target.compiler),
		textMember("boot_result", result), member("boot_time", bootTime(r, result, centi)),
		member("boot_warnings", number(int64(r.below(4)))), textMember("endian", k.arch.endian),
		textMember("boot_log", "boot-"+b.name+".txt"), textMember("boot_log_html", "boot-"+b.name+".html"),
		textMember("file_server_url", storage), textMember("file_server_resource", k.path()),
		textMember("kernel_image", k.arch.image), textMember("loadaddr", "0x"+r.hex(6)+"00"),
		textMember("initrd_addr", "0x"+r.hex(6)+"00"), textMember("dtb_append", "False"),
		member("uimage", null), member("fastboot", boolean(false)),
		textMember("fastboot_cmd", ""), member(pick(r, []string{"retries", "boot_retries"}), number(int64(r.below(2)))),
	}
	if b.dtb != "" {
		fields = append(fields, textMember("dtb", "dtbs/"+b.dtb))
	}
	if result != "PASS" {
		fields = append(fields, textMember("boot_result_description", "no login prompt before the timeout"))
	}
	// Labs that follow the current documentation name the revision as well;
	// the older reports have only job and kernel.
	if place.lab == "lab-sorrel" {
		fields = append(fields, textMember("git_branch", k.rev.branchName), textMember("git_commit", k.rev.commit),
			textMember("git_describe", k.rev.describe), textMember("git_url", k.rev.branch.url),
			textMember("defconfig_full", k.target.defconfigFull()),
			textMember("completed", time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05")))
	}
	return Record{Name: "boot_" + oid + ".json", Kind: "boot",
		Payload: appendJSON(make([]byte, 0, 1280), object(fields...))}
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
func bootTime(r *random, result string, centi int) value {
	if result == "OFFLINE" || result == "UNTRIED" {
		centi = 0
	}
	if r.chance(200) {
		return text(hundredths(centi))
	}
	return literal(hundredths(centi))
}
