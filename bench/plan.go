package main

import "time"

// plan says how much is measured.
type plan struct {
	latencies []latency
	warmUp    int // connects a side
	atOnce    int // connects at the same time under load; as many visitors has a side
	turns     int // of load, a side
	turn      time.Duration
	rest      time.Duration // after the load, before the memory is looked at again
	starts    int           // of a process, a side
	lives     int           // of a process from start to end, a side
	few       int           // connects in such a life, where it is not one
	profile   string        // file for the CPU profile of igconnect under load; "": none
}

// latency is one delay of every call to Meta and to Supabase, and how many connects are made under it: in turns of both
// sides, a few at a time where most of a connect is waiting.
type latency struct {
	delay                  time.Duration
	turns, connects, among int // connects a turn; so many at the same time
}

var fullPlan = plan{
	latencies: []latency{
		{0, 10, 30, 1},
		{20 * time.Millisecond, 5, 40, 2},
		{100 * time.Millisecond, 5, 10, 1},
	},
	warmUp: 200, atOnce: 64, turns: 4, turn: 5 * time.Second, rest: 5 * time.Second, starts: 15, lives: 5, few: 100,
}
