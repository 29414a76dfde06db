package main

import (
	"errors"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

func endOf(topic string) int64 {
	c := client()
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(ctx, topic)
	must(err)
	end, _ := ends.Lookup(topic, 0)
	return end.Offset
}

func admin(o options) {
	c := client()
	a := kadm.NewClient(c)
	results := map[string]any{}
	retention, size := "123456789", "54321"
	created, err := a.CreateTopic(ctx, 3, 1, map[string]*string{"retention.ms": &retention}, o.Topic)
	must(err)
	must(created.Err)
	count := func() int {
		topics, err := a.ListTopics(ctx, o.Topic)
		must(err)
		return len(topics[o.Topic].Partitions)
	}
	results["created"] = count()
	grown, err := a.UpdatePartitions(ctx, 5, o.Topic)
	must(err)
	must(grown.Error())
	results["grown"] = count()
	config := func(name string) any {
		described, err := a.DescribeTopicConfigs(ctx, o.Topic)
		must(err)
		for _, entry := range described[0].Configs {
			if entry.Key == name {
				return entry.MaybeValue()
			}
		}
		return nil
	}
	results["retention"] = config("retention.ms")
	altered, err := a.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "max.message.bytes", Value: &size}}, o.Topic)
	must(err)
	must(altered[0].Err)
	results["altered"] = config("max.message.bytes")
	for _, value := range "abcd" {
		must(c.ProduceSync(ctx, &kgo.Record{Topic: o.Topic, Value: []byte(string(value))}).FirstErr())
	}
	deleted := kadm.Offsets{}
	deleted.AddOffset(o.Topic, 0, 3, -1)
	answers, err := a.DeleteRecords(ctx, deleted)
	must(err)
	must(answers.Error())
	starts, err := a.ListStartOffsets(ctx, o.Topic)
	must(err)
	first, _ := starts.Lookup(o.Topic, 0)
	results["offsets"] = []int64{first.Offset, endOf(o.Topic)}

	reader := client(kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(o.Topic), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	for done := false; !done; {
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			must(reader.CommitRecords(ctx, r))
			done = true
		})
	}
	groups, err := a.DescribeGroups(ctx, o.Group)
	must(err)
	results["members"] = []any{strings.ToUpper(groups[o.Group].State), len(groups[o.Group].Members)}
	reader.Close()
	listed := func() bool {
		all, err := a.ListGroups(ctx)
		must(err)
		_, is := all[o.Group]
		return is
	}
	results["listed"] = listed()
	offsets, err := a.FetchOffsets(ctx, o.Group)
	must(err)
	committed, _ := offsets.Lookup(o.Topic, 0)
	results["committed"] = committed.At
	gone, err := a.DeleteGroups(ctx, o.Group)
	must(err)
	must(gone.Error())
	results["groupDeleted"] = !listed()
	removed, err := a.DeleteTopics(ctx, o.Topic)
	must(err)
	must(removed.Error())
	topics, err := a.ListTopics(ctx)
	must(err)
	results["topicDeleted"] = !topics.Has(o.Topic)
	c.Close()
	tell(map[string]any{"results": results})
}

func refused(o options) {
	c := client(kgo.ProducerBatchMaxBytes(8_000_000), kgo.MetadataMinAge(100*time.Millisecond), kgo.MetadataMaxAge(300*time.Millisecond),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.UnknownTopicRetries(2), kgo.RecordRetries(5))
	send := func(value string) string {
		err := c.ProduceSync(ctx, &kgo.Record{Topic: o.Topic, Value: []byte(value)}).FirstErr()
		var said *kerr.Error
		if errors.As(err, &said) {
			return said.Message
		}
		if err != nil {
			return err.Error()
		}
		return "none"
	}
	send("fits")
	tooLarge := send(strings.Repeat("x", 2_000_000))
	removed, err := kadm.NewClient(c).DeleteTopics(ctx, o.Topic)
	must(err)
	must(removed.Error())
	gone := send("comes too late")
	c.Close()
	tell(map[string]any{"tooLarge": tooLarge, "gone": gone})
}
