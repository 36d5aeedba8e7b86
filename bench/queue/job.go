package main

import (
	"encoding/json"
	"fmt"
	"path"
	"time"

	"revela/queue"
)

// jobs are n jobs as the service adds them; the first has the given number.
// Numbers below 2^24 make distinct ids.
func jobs(first, n int) []queue.Spec {
	specs := make([]queue.Spec, n)
	for i := range specs {
		specs[i] = job(first + i)
	}
	return specs
}

func job(number int) queue.Spec {
	// An ObjectID: seconds, what names the machine and process, a counter.
	id := fmt.Sprintf("%08x%010x%06x", 1_790_000_000, 0x5eed5eed5e, number)
	data, err := json.Marshal(struct {
		TaskID    string `json:"taskId"`
		ImagePath string `json:"imagePath"`
		Timestamp int64  `json:"timestamp"`
	}{id, path.Join("storage/images", id, "original.jpg"), time.Now().UnixMilli()})
	if err != nil {
		panic(err) // strings and a number always encode
	}
	return queue.Spec{ID: id, Name: "process-image", Data: data}
}
