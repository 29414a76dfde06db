import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.Future;
import java.util.stream.StreamSupport;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Kafka's own client, told what to do by its arguments: see ../client.ts. */
public class JavaClient {
  static final ObjectMapper json = new ObjectMapper();
  static String broker;

  public static void main(String[] args) throws Exception {
    broker = args[0];
    JsonNode options = json.readTree(args[2]);
    switch (args[1]) {
      case "produce" -> produce(options);
      case "consume" -> consume(options);
      case "member" -> member(options);
      case "load" -> load(options);
      case "admin" -> admin(options.get("topic").asText(), options.get("group").asText());
      case "refused" -> refused(options.get("topic").asText());
      default -> throw new IllegalArgumentException(args[1]);
    }
  }

  static synchronized void tell(String name, Object value) throws Exception {
    System.out.println(json.writeValueAsString(Map.of(name, value)));
  }

  static Properties with(Map<String, Object> settings) {
    Properties all = new Properties();
    all.put("bootstrap.servers", broker);
    all.putAll(settings);
    return all;
  }

  static KafkaProducer<String, String> producer(Map<String, Object> settings) {
    return new KafkaProducer<>(with(settings), new StringSerializer(), new StringSerializer());
  }

  static KafkaConsumer<String, String> consumer(Map<String, Object> settings) {
    return new KafkaConsumer<>(with(settings), new StringDeserializer(), new StringDeserializer());
  }

  static void produce(JsonNode options) throws Exception {
    List<Long> offsets = new ArrayList<>();
    for (JsonNode batch : options.get("batches")) {
      Map<String, Object> settings =
          Map.of(
              "compression.type", batch.get("compression").asText(),
              "enable.idempotence", batch.get("idempotent").asBoolean(),
              "batch.size", 2_000);
      try (var producer = producer(settings)) {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode record : batch.get("records")) {
          var headers = new RecordHeaders();
          for (JsonNode header : record.get("headers"))
            headers.add(header.get(0).asText(), header.get(1).asText().getBytes(StandardCharsets.UTF_8));
          sent.add(
              producer.send(
                  new ProducerRecord<>(
                      options.get("topic").asText(),
                      record.get("partition").asInt(),
                      record.get("timestamp").asLong(),
                      record.get("key").textValue(),
                      record.get("value").textValue(),
                      headers)));
        }
        for (var answer : sent) offsets.add(answer.get().offset());
      }
    }
    tell("offsets", offsets);
  }

  static Map<String, Object> told(ConsumerRecord<String, String> record) {
    Map<String, Object> told = new java.util.LinkedHashMap<>();
    told.put("partition", record.partition());
    told.put("offset", record.offset());
    told.put("timestamp", record.timestamp());
    told.put("key", record.key());
    told.put("value", record.value());
    told.put(
        "headers",
        StreamSupport.stream(record.headers().spliterator(), false)
            .map(header -> List.of(header.key(), new String(header.value(), StandardCharsets.UTF_8)))
            .toList());
    return told;
  }

  static void consume(JsonNode options) throws Exception {
    var partition = new TopicPartition(options.get("topic").asText(), 0);
    try (var consumer = consumer(Map.of("auto.offset.reset", "none"))) {
      consumer.assign(List.of(partition));
      JsonNode start = options.get("start");
      if (start.isNumber())
        consumer.seek(partition, consumer.offsetsForTimes(Map.of(partition, start.asLong())).get(partition).offset());
      else if (start.asText().equals("start")) consumer.seekToBeginning(List.of(partition));
      else consumer.seekToEnd(List.of(partition));
      consumer.position(partition);
      tell("ready", true);
      List<Object> records = new ArrayList<>();
      while (records.size() < options.get("count").asInt())
        for (var record : consumer.poll(Duration.ofSeconds(1))) records.add(told(record));
      tell("records", records);
    }
  }

  static void member(JsonNode options) throws Exception {
    Map<String, Object> settings =
        new java.util.HashMap<>(
            Map.of(
                "group.id", options.get("group").asText(),
                "session.timeout.ms", options.get("sessionMs").asInt(),
                "heartbeat.interval.ms", 500,
                "auto.offset.reset", "earliest",
                "enable.auto.commit", false,
                "partition.assignment.strategy",
                    options.get("protocol").asText().equals("cooperative")
                        ? "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
                        : "org.apache.kafka.clients.consumer.RangeAssignor"));
    if (!options.get("instance").isNull()) settings.put("group.instance.id", options.get("instance").asText());
    var mine = new TreeSet<Integer>();
    try (var consumer = consumer(settings)) {
      consumer.subscribe(List.of(options.get("topic").asText()), new ConsumerRebalanceListener() {
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
          partitions.forEach(at -> mine.add(at.partition()));
          say("assigned", mine);
        }

        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
          partitions.forEach(at -> mine.remove(at.partition()));
          say("revoked", partitions.stream().map(TopicPartition::partition).sorted().toList());
        }

        void say(String name, Object value) {
          try {
            tell(name, value);
          } catch (Exception error) {
            throw new IllegalStateException(error);
          }
        }
      });
      var open = inputOpen();
      while (open.isAlive())
        for (var record : consumer.poll(Duration.ofMillis(100))) {
          var at = new TopicPartition(record.topic(), record.partition());
          consumer.commitSync(Map.of(at, new OffsetAndMetadata(record.offset() + 1)));
          tell("record", told(record));
        }
    }
  }

  static void load(JsonNode options) throws Exception {
    int partitions = options.get("partitions").asInt();
    var room = new java.util.concurrent.Semaphore(options.get("atOnce").asInt());
    var failure = new java.util.concurrent.atomic.AtomicReference<Exception>();
    var open = inputOpen();
    // As it is without settings: idempotent, five requests in flight.
    try (var producer = producer(Map.of())) {
      for (int sent = 0; open.isAlive() && failure.get() == null; sent++) {
        room.acquire();
        String value = Integer.toString(sent);
        int partition = sent % partitions;
        producer.send(
            new ProducerRecord<>(options.get("topic").asText(), partition, null, value),
            (metadata, error) -> {
              room.release();
              try {
                if (error != null) failure.compareAndSet(null, error);
                else tell("acked", Map.of("partition", partition, "value", value));
              } catch (Exception gone) {
                failure.compareAndSet(null, gone);
              }
            });
      }
    }
    if (failure.get() != null) throw failure.get();
  }

  /** A thread that lives until our input is closed. */
  static Thread inputOpen() {
    var over = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {}
      } catch (java.io.IOException gone) {
        // As good as its end.
      }
    });
    over.setDaemon(true);
    over.start();
    return over;
  }

  static void admin(String topic, String group) throws Exception {
    Map<String, Object> results = new java.util.LinkedHashMap<>();
    var first = new TopicPartition(topic, 0);
    try (var admin = Admin.create(with(Map.of()))) {
      admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1).configs(Map.of("retention.ms", "123456789")))).all().get();
      results.put("created", partitions(admin, topic));
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(5))).all().get();
      results.put("grown", partitions(admin, topic));
      var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
      results.put("retention", admin.describeConfigs(List.of(resource)).all().get().get(resource).get("retention.ms").value());
      var change = new AlterConfigOp(new ConfigEntry("max.message.bytes", "54321"), AlterConfigOp.OpType.SET);
      admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
      results.put("altered", admin.describeConfigs(List.of(resource)).all().get().get(resource).get("max.message.bytes").value());
      try (var producer = producer(Map.of())) {
        for (String value : List.of("a", "b", "c", "d")) producer.send(new ProducerRecord<>(topic, 0, null, value)).get();
      }
      admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(3))).all().get();
      results.put("offsets", List.of(offset(admin, first, OffsetSpec.earliest()), offset(admin, first, OffsetSpec.latest())));
      try (var consumer = consumer(Map.of("group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", false))) {
        consumer.subscribe(List.of(topic));
        while (consumer.poll(Duration.ofMillis(500)).isEmpty()) {}
        consumer.commitSync();
        var described = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
        results.put("members", List.of(described.groupState().name(), described.members().size()));
      }
      results.put("listed", isListed(admin, group));
      results.put("committed", admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(first).offset());
      admin.deleteConsumerGroups(List.of(group)).all().get();
      results.put("groupDeleted", !isListed(admin, group));
      admin.deleteTopics(List.of(topic)).all().get();
      results.put("topicDeleted", !admin.listTopics().names().get().contains(topic));
      // What only this client has.
      results.put("nodes", admin.describeCluster().nodes().get().size());
      results.put("logDirs", admin.describeLogDirs(List.of(1)).allDescriptions().get().size());
    }
    tell("results", results);
  }

  static int partitions(Admin admin, String topic) throws Exception {
    return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
  }

  static long offset(Admin admin, TopicPartition at, OffsetSpec which) throws Exception {
    return admin.listOffsets(Map.of(at, which)).partitionResult(at).get().offset();
  }

  static boolean isListed(Admin admin, String group) throws Exception {
    return admin.listGroups().all().get().stream().anyMatch(one -> one.groupId().equals(group));
  }

  static void refused(String topic) throws Exception {
    Map<String, Object> settings =
        Map.of("max.request.size", 8_000_000, "metadata.max.age.ms", 300, "max.block.ms", 10_000, "delivery.timeout.ms", 10_000, "request.timeout.ms", 8_000);
    try (var producer = producer(settings); var admin = Admin.create(with(Map.of()))) {
      producer.send(new ProducerRecord<>(topic, "fits")).get();
      String tooLarge = error(producer, topic, "x".repeat(2_000_000));
      admin.deleteTopics(List.of(topic)).all().get();
      String gone = error(producer, topic, "comes too late");
      System.out.println(json.writeValueAsString(Map.of("tooLarge", tooLarge, "gone", gone)));
    }
  }

  static String error(KafkaProducer<String, String> producer, String topic, String value) {
    try {
      producer.send(new ProducerRecord<>(topic, value)).get();
      return "none";
    } catch (Exception error) {
      Throwable cause = error;
      while (cause.getCause() != null) cause = cause.getCause();
      return cause.getClass().getSimpleName();
    }
  }
}
