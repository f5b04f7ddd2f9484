// Answer each text, or each line of stdin: java -cp onnxruntime.jar Reply.java FOLDER [TEXT]...
//
// No test runs this file; see the table in ../README.md.
//
// Set ORT_DISABLE_TELEMETRY=1 in the environment of the program: else onnxruntime writes a device id
// into the home directory and reports to its maker.
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Text in, reply out: a bundle of format 2 in Java 17. */
public final class Reply {

    /** The settings of greedy search. Beam search: beam_size = width. Sampling: temperature > 0. */
    static final Map<String, Number> GREEDY = Map.of(
            "max_len", 30L,
            "min_len", 1L,
            "beam_size", 1L,
            "length_penalty", 0f,
            "temperature", 0f,
            "top_k", 0L,
            "top_p", 1f,
            "seed", 0L,
            "no_repeat_ngram", 0L,
            "repetition_penalty", 1f);

    /** What a bundle says instead of a best reply that the model is not sure of. */
    record Fallback(double below, List<String> replies) {}

    /** Java reads no JSON by itself: write here what manifest.json has as "fallback", if it has. */
    static final Fallback FALLBACK = null;

    /** Return the replies to a text, best first; what FALLBACK says takes the place of the best. */
    static String[] replies(OrtSession session, String text, Map<String, Number> settings)
            throws OrtException {
        var environment = OrtEnvironment.getEnvironment();
        var inputs = new HashMap<String, OnnxTensor>();
        try {
            inputs.put("text", OnnxTensor.createTensor(environment, new String[] {clean(text)}));
            for (var setting : settings.entrySet()) { // a number alone becomes a scalar
                var scalar = OnnxTensor.createTensor(environment, setting.getValue());
                inputs.put(setting.getKey(), scalar);
            }
            try (var outputs = session.run(inputs, Set.of("reply", "scores", "lengths"))) {
                var replies = (String[]) outputs.get("reply").orElseThrow().getValue();
                var scores = (float[]) outputs.get("scores").orElseThrow().getValue();
                var lengths = (long[]) outputs.get("lengths").orElseThrow().getValue();
                var sampled = settings.get("temperature").floatValue() > 0;
                var penalty = settings.get("length_penalty").doubleValue();
                var logProbability = scores[0] * Math.pow((5 + lengths[0]) / 6.0, penalty);
                if (FALLBACK != null
                        && !sampled
                        && (logProbability < FALLBACK.below()
                                || FALLBACK.replies().contains(replies[0]))) {
                    var characters = text.codePointCount(0, text.length());
                    replies[0] = FALLBACK.replies().get(characters % FALLBACK.replies().size());
                }
                return replies;
            }
        } finally {
            inputs.values().forEach(OnnxTensor::close);
        }
    }

    /**
     * onnxruntime hands text over as Java's modified UTF-8, in which U+0000 and what takes two
     * chars are no valid UTF-8: leave out the one, which means nothing to a bundle, and write U+FFFD
     * for the other, which is as unknown to it.
     */
    static String clean(String text) {
        return text.replace("\0", "").replaceAll("[^\\x{0}-\\x{D7FF}\\x{E000}-\\x{FFFF}]", "\uFFFD");
    }

    public static void main(String[] arguments) throws IOException, OrtException {
        if (arguments.length == 0) {
            System.err.println("Usage: java -cp onnxruntime.jar Reply.java FOLDER [TEXT]...");
            System.exit(2);
        }
        var graph = Path.of(arguments[0], "text.onnx");
        if (!Files.isRegularFile(graph)) {
            System.err.println("Error: no " + graph + ". A bundle of format 2 has one.");
            System.exit(3);
        }
        var texts = List.of(arguments).subList(1, arguments.length);
        try (var session = OrtEnvironment.getEnvironment().createSession(graph.toString())) {
            if (texts.isEmpty()) {
                var input = new InputStreamReader(System.in, StandardCharsets.UTF_8);
                texts = new BufferedReader(input).lines().toList();
            }
            for (var text : texts) {
                System.out.println(replies(session, text, GREEDY)[0]);
            }
        }
    }
}
