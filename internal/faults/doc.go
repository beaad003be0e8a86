// Package faults holds no code, only the tests that let kcing meet real faults: the built program, in processes of its
// own, against real Elasticsearch servers that refuse, die and come back, behind proxies that lie, on disks without
// room. What each test demands is the same: the index holds exactly the expected documents, byte for byte, and the
// state file agrees. Faults that can be had in memory are tested in the packages bulk and pipeline, faster and in
// greater number.
//
// The caveat that bites: the tests run in turn and share one server of their own, which some of them kill; never the
// one of ELASTICSEARCH_URL. They take one to two minutes on two processors. KCING_FAULTS=long (make faults) makes that
// longer: 50 kills of kcing, and kills of both during a run of 400 records.
package faults
