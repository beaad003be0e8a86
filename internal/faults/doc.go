// Package faults holds no code, only the tests that let kcing meet real faults: the built program, in processes of its
// own, against real Elasticsearch servers that refuse, die and come back, behind proxies that lie, on disks without
// room. What each test demands is the same: the index holds exactly the expected documents, byte for byte, and the
// state file agrees. Faults that can be had in memory are tested in the packages bulk and pipeline, faster and in
// greater number.
//
// The caveat that bites: the tests run in turn and share one server of their own, which some of them kill. They take
// two to three minutes. KCING_FAULTS=long makes them take longer: 50 kills, 400 callbacks, outages of 20 s.
package faults
