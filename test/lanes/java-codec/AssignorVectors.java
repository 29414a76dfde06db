import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.GroupSubscription;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.Subscription;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.consumer.RoundRobinAssignor;
import org.apache.kafka.common.Cluster;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;

/** Prints random groups, always the same ones, and what Kafka's RangeAssignor and RoundRobinAssignor give their members. */
public class AssignorVectors {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        Random random = new Random(20260101);
        System.out.println("[");
        int cases = 60;
        for (int i = 0; i < cases; i++)
            System.out.println(JSON.writeValueAsString(oneCase(random)) + (i == cases - 1 ? "" : ","));
        System.out.println("]");
    }

    private static ObjectNode oneCase(Random random) {
        List<String> topics = new ArrayList<>();
        ObjectNode counts = JSON.createObjectNode();
        Node node = new Node(0, "localhost", 9092);
        List<PartitionInfo> infos = new ArrayList<>();
        int topicCount = 1 + random.nextInt(5);
        for (int t = 0; t < topicCount; t++) {
            String topic = "t" + random.nextInt(20) + (random.nextBoolean() ? "é" : "");
            if (topics.contains(topic)) continue;
            topics.add(topic);
            // 0: subscribed to, but not there.
            int partitions = random.nextInt(12);
            if (partitions > 0) counts.put(topic, partitions);
            for (int p = 0; p < partitions; p++)
                infos.add(new PartitionInfo(topic, p, node, new Node[] {node}, new Node[] {node}));
        }
        Cluster cluster = new Cluster("c", List.of(node), infos, Collections.emptySet(), Collections.emptySet());
        boolean sameTopics = random.nextInt(3) == 0;
        Map<String, Subscription> subscriptions = new HashMap<>();
        ArrayNode members = JSON.createArrayNode();
        int memberCount = 1 + random.nextInt(8);
        for (int m = 0; m < memberCount; m++) {
            String id = "member-" + random.nextInt(1000) + "-" + m;
            List<String> wanted = new ArrayList<>(topics);
            if (!sameTopics) wanted.removeIf(topic -> random.nextInt(3) == 0);
            Collections.shuffle(wanted, random);
            Subscription subscription = new Subscription(wanted);
            ObjectNode member = members.addObject().put("memberId", id);
            if (random.nextInt(3) == 0) {
                String instance = "i" + random.nextInt(1000) + "-" + m;
                subscription.setGroupInstanceId(Optional.of(instance));
                member.put("instanceId", instance);
            }
            ArrayNode list = member.putArray("topics");
            wanted.forEach(list::add);
            subscriptions.put(id, subscription);
        }
        ObjectNode result = JSON.createObjectNode();
        result.set("partitionCounts", counts);
        result.set("members", members);
        result.set("range", assign(new RangeAssignor(), cluster, subscriptions));
        result.set("roundrobin", assign(new RoundRobinAssignor(), cluster, subscriptions));
        return result;
    }

    private static ObjectNode assign(ConsumerPartitionAssignor assignor, Cluster cluster, Map<String, Subscription> subscriptions) {
        ObjectNode result = JSON.createObjectNode();
        new TreeMap<>(assignor.assign(cluster, new GroupSubscription(subscriptions)).groupAssignment()).forEach((member, assignment) -> {
            ArrayNode list = result.putArray(member);
            for (TopicPartition partition : assignment.partitions()) list.add(partition.topic() + "-" + partition.partition());
        });
        return result;
    }
}
