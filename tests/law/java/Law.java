import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.apache.iceberg.TableMetadata;
import org.apache.iceberg.TableMetadataParser;
import org.apache.iceberg.rest.requests.UpdateTableRequest;
import org.apache.iceberg.rest.requests.UpdateTableRequestParser;

public class Law {
  public static void main(String[] args) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode question = mapper.readTree(line);
      ObjectNode answer = mapper.createObjectNode();
      try {
        UpdateTableRequest request = UpdateTableRequestParser.fromJson(question.get("request").toString());
        TableMetadata after;
        boolean changed = true;
        if (question.has("base")) {
          TableMetadata base = TableMetadataParser.fromJson(question.get("location").asText(), question.get("base").toString());
          request.requirements().forEach(one -> one.validate(base));
          TableMetadata.Builder builder = TableMetadata.buildFrom(base);
          request.updates().forEach(update -> update.applyTo(builder));
          after = builder.build();
          changed = !after.changes().isEmpty();
        } else {
          TableMetadata.Builder builder = TableMetadata.buildFromEmpty(question.get("format-version").asInt());
          request.updates().forEach(update -> update.applyTo(builder));
          after = builder.build();
        }
        answer.put("changed", changed);
        answer.put("after", TableMetadataParser.toJson(after));
      } catch (Exception error) {
        answer.put("error", error.getClass().getSimpleName());
        answer.put("message", String.valueOf(error.getMessage()));
      }
      System.out.println(mapper.writeValueAsString(answer));
      System.out.flush();
    }
  }
}
