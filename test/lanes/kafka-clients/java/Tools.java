import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Arrays;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's command-line tools in one process: a line of input names a tool's class and its arguments, separated by tabs. After
 * what the tool prints comes a line with its exit code.
 */
public class Tools {
  static class Ended extends RuntimeException {}

  /** Of the first exit: a tool takes what ends it for an error, and exits again. */
  static Integer exitCode;

  public static void main(String[] args) throws Exception {
    Exit.setExitProcedure((code, message) -> {
      if (exitCode == null) exitCode = code;
      throw new Ended();
    });
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = input.readLine()) != null; ) {
      String[] words = line.split("\t");
      System.out.println("=> " + run(words[0], Arrays.copyOfRange(words, 1, words.length)));
      System.out.flush();
    }
    // Threads that a tool has left do not hold it up.
    Runtime.getRuntime().halt(0);
  }

  static int run(String tool, String[] args) throws Exception {
    exitCode = null;
    try {
      Class.forName(tool).getMethod("main", String[].class).invoke(null, (Object) args);
      return 0;
    } catch (java.lang.reflect.InvocationTargetException error) {
      if (error.getCause() instanceof Ended) return exitCode;
      error.getCause().printStackTrace();
      return -1;
    }
  }
}
