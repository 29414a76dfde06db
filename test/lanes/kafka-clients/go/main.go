// franz-go, told what to do by its arguments: see ../client.ts.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

var broker string
var ctx = context.Background()
var telling sync.Mutex

type record struct {
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
	Timestamp int64       `json:"timestamp"`
	Key       *string     `json:"key"`
	Value     *string     `json:"value"`
	Headers   [][2]string `json:"headers"`
}

type batch struct {
	Compression string
	Idempotent  bool
	Records     []record
}

type options struct {
	Topic, Group, Protocol string
	Batches                []batch
	Start                  any
	Count                  int
	SessionMs              int
	Instance               *string
}

func main() {
	broker = os.Args[1]
	var o options
	must(json.Unmarshal([]byte(os.Args[3]), &o))
	map[string]func(options){
		"produce": produce, "consume": consume, "member": member, "admin": admin, "refused": refused,
	}[os.Args[2]](o)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func tell(said map[string]any) {
	telling.Lock()
	defer telling.Unlock()
	must(json.NewEncoder(os.Stdout).Encode(said))
}

func client(opts ...kgo.Opt) *kgo.Client {
	made, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(broker), kgo.RecordPartitioner(kgo.ManualPartitioner())}, opts...)...)
	must(err)
	return made
}

func bytesOf(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

func textOf(data []byte) *string {
	if data == nil {
		return nil
	}
	text := string(data)
	return &text
}

func produce(o options) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	offsets := []int64{}
	for _, b := range o.Batches {
		opts := []kgo.Opt{kgo.ProducerBatchCompression(codecs[b.Compression])}
		if !b.Idempotent {
			opts = append(opts, kgo.DisableIdempotentWrite())
		}
		c := client(opts...)
		sent := []*kgo.Record{}
		for _, r := range b.Records {
			one := &kgo.Record{Topic: o.Topic, Partition: r.Partition, Key: bytesOf(r.Key), Value: bytesOf(r.Value), Timestamp: time.UnixMilli(r.Timestamp)}
			for _, h := range r.Headers {
				one.Headers = append(one.Headers, kgo.RecordHeader{Key: h[0], Value: []byte(h[1])})
			}
			sent = append(sent, one)
		}
		results := c.ProduceSync(ctx, sent...)
		must(results.FirstErr())
		for _, result := range results {
			offsets = append(offsets, result.Record.Offset)
		}
		c.Close()
	}
	tell(map[string]any{"offsets": offsets})
}

func told(r *kgo.Record) record {
	headers := [][2]string{}
	for _, h := range r.Headers {
		headers = append(headers, [2]string{h.Key, string(h.Value)})
	}
	return record{r.Partition, r.Offset, r.Timestamp.UnixMilli(), textOf(r.Key), textOf(r.Value), headers}
}

func consume(o options) {
	offset := kgo.NewOffset().AtStart()
	if ms, is := o.Start.(float64); is {
		offset = kgo.NewOffset().AfterMilli(int64(ms))
	} else if o.Start == "end" {
		// Looked up, so that "ready" is true.
		offset = kgo.NewOffset().At(endOf(o.Topic))
	}
	c := client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.Topic: {0: offset}}))
	tell(map[string]any{"ready": true})
	records := []record{}
	for len(records) < o.Count {
		fetches := c.PollFetches(ctx)
		must(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) { records = append(records, told(r)) })
	}
	c.Close()
	tell(map[string]any{"records": records})
}

func member(o options) {
	mine := map[int32]bool{}
	sorted := func(partitions map[int32]bool) []int {
		all := []int{}
		for partition := range partitions {
			all = append(all, int(partition))
		}
		sort.Ints(all)
		return all
	}
	revoked := func(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
		gone := map[int32]bool{}
		for _, partition := range lost[o.Topic] {
			delete(mine, partition)
			gone[partition] = true
		}
		tell(map[string]any{"revoked": sorted(gone)})
	}
	opts := []kgo.Opt{
		kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(o.Topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(time.Duration(o.SessionMs) * time.Millisecond), kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, given map[string][]int32) {
			for _, partition := range given[o.Topic] {
				mine[partition] = true
			}
			tell(map[string]any{"assigned": sorted(mine)})
		}),
		kgo.OnPartitionsRevoked(revoked), kgo.OnPartitionsLost(revoked),
	}
	if o.Protocol == "cooperative" {
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	} else {
		opts = append(opts, kgo.Balancers(kgo.RangeBalancer()))
	}
	if o.Instance != nil {
		opts = append(opts, kgo.InstanceID(*o.Instance))
	}
	c := client(opts...)
	reading, stop := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	for reading.Err() == nil {
		fetches := c.PollFetches(reading)
		if reading.Err() != nil {
			break
		}
		must(fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			must(c.CommitRecords(ctx, r))
			tell(map[string]any{"record": told(r)})
		})
	}
	// Leaves the group too.
	c.Close()
}
