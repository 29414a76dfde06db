import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;

/**
 * For each message named: a line with its definition as Kafka's client carries it, then lines with examples in every version: values
 * made up here, always the same, which Kafka's converter reads, and the bytes that its generated class writes for them.
 */
public class GoldenMessages {
    private static final ObjectMapper JSON = new ObjectMapper().enable(JsonParser.Feature.ALLOW_COMMENTS);
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    /** full: two elements in every array; null: null wherever it may be; bare: arrays empty, tagged fields not set. */
    private enum Variant { full, nulls, bare }

    private final JsonNode definition;
    private final Map<String, JsonNode> structs = new HashMap<>();
    private final int version;
    private final Variant variant;
    private int count;

    private GoldenMessages(JsonNode definition, int version, Variant variant) {
        this.definition = definition;
        this.version = version;
        this.variant = variant;
        for (JsonNode struct : definition.path("commonStructs")) structs.put(struct.get("name").asText(), struct.get("fields"));
        this.count = definition.get("name").asText().hashCode() & 0xff;
    }

    public static void main(String[] names) throws Exception {
        for (String name : names) {
            JsonNode definition;
            try (InputStream in = GoldenMessages.class.getResourceAsStream("/common/message/" + name + ".json")) {
                definition = JSON.readTree(in);
            }
            print(NODES.objectNode().set("definition", definition));
            String[] valid = definition.get("validVersions").asText().split("-");
            for (int version = Integer.parseInt(valid[0]); version <= Integer.parseInt(valid[valid.length - 1]); version++)
                for (Variant variant : Variant.values()) print(example(definition, version, variant));
        }
    }

    private static void print(JsonNode line) throws Exception {
        System.out.write((JSON.writeValueAsString(line) + "\n").getBytes(StandardCharsets.UTF_8));
        System.out.flush();
    }

    private static ObjectNode example(JsonNode definition, int version, Variant variant) throws Exception {
        String name = definition.get("name").asText();
        boolean isData = definition.get("type").asText().equals("data");
        String className = "org.apache.kafka.common.message." + name + (isData ? "" : "Data");
        Class<?> converter = Class.forName(className + "JsonConverter");
        JsonNode values = new GoldenMessages(definition, version, variant).struct(definition.get("fields"));
        Method read = converter.getMethod("read", JsonNode.class, short.class);
        Message message = (Message) read.invoke(null, values, (short) version);
        ObjectSerializationCache cache = new ObjectSerializationCache();
        ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, (short) version));
        message.write(new ByteBufferAccessor(buffer), cache, (short) version);
        ObjectNode line = NODES.objectNode();
        line.put("message", name).put("version", version).put("variant", variant.name());
        line.put("bytes", Base64.getEncoder().encodeToString(buffer.array()));
        line.set("value", values);
        return line;
    }

    private ObjectNode struct(JsonNode fields) {
        ObjectNode result = NODES.objectNode();
        for (JsonNode field : fields) {
            boolean tagged = field.has("tag");
            if (!within(field.path(tagged ? "taggedVersions" : "versions").asText())) continue;
            if (tagged && variant == Variant.bare) continue;
            String name = field.get("name").asText();
            result.set(name.substring(0, 1).toLowerCase() + name.substring(1), value(field));
        }
        return result;
    }

    private JsonNode value(JsonNode field) {
        String type = field.get("type").asText();
        boolean nullable = field.has("nullableVersions") && within(field.get("nullableVersions").asText());
        if (nullable && variant == Variant.nulls) return NODES.nullNode();
        if (!type.startsWith("[]")) return single(type, field);
        ArrayNode array = NODES.arrayNode();
        int size = variant == Variant.full ? 2 : variant == Variant.nulls ? 1 : 0;
        for (int i = 0; i < size; i++) array.add(single(type.substring(2), field));
        return array;
    }

    private JsonNode single(String type, JsonNode field) {
        int n = ++count;
        boolean negative = n % 5 == 0;
        switch (type) {
            case "bool": return NODES.booleanNode(n % 2 == 0);
            case "int8": return NODES.numberNode(negative ? -n % 0x80 : n % 0x80);
            case "int16": return NODES.numberNode((negative ? -1 : 1) * (n * 257 % 0x8000));
            case "uint16": return NODES.numberNode(n * 509 % 0x10000);
            case "int32": return NODES.numberNode((negative ? -1 : 1) * (n * 7919 * 1009 & 0x7fffffff));
            case "uint32": return NODES.numberNode(n * 7919L * 10007L & 0xffffffffL);
            case "int64": return NODES.numberNode((negative ? -1 : 1) * (n * 7919L * 1000003L * 99991L & ((1L << 53) - 1)));
            case "float64": return NODES.numberNode(n / 3.0);
            case "uuid": return NODES.textNode(new Uuid(n * 7919L * 1000003L * 99991L, ~(n * 31L)).toString());
            case "string": return NODES.textNode(n % 7 == 0 ? "größer ".repeat(20) + n : n % 11 == 0 ? "" : "name-" + n);
            case "bytes":
            case "records": return NODES.binaryNode(("data " + n).repeat(n % 20).getBytes(StandardCharsets.UTF_8));
            default: return struct(field.has("fields") ? field.get("fields") : structs.get(type));
        }
    }

    private boolean within(String versions) {
        if (versions.isEmpty() || versions.equals("none")) return false;
        if (versions.endsWith("+")) return version >= Integer.parseInt(versions.substring(0, versions.length() - 1));
        String[] ends = versions.split("-");
        return version >= Integer.parseInt(ends[0]) && version <= Integer.parseInt(ends[ends.length - 1]);
    }
}
