// Answer each text, or each line of stdin: dotnet run -- FOLDER [TEXT]...
//
// No test runs this file; see the table in ../README.md.
//
// Set ORT_DISABLE_TELEMETRY=1 in the environment of the program: else onnxruntime writes a device id
// into the home directory and reports to its maker. .NET cannot set it for a library on Linux.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

// Text in, reply out: a bundle of format 2 in C#.
sealed class Bot : IDisposable
{
    private readonly InferenceSession session;
    private readonly double below = double.NegativeInfinity; // what the manifest has as fallback
    private readonly string[] honest = new string[0];

    public Bot(string folder)
    {
        string graph = Path.Combine(folder, "text.onnx");
        if (!File.Exists(graph))
        {
            throw new FileNotFoundException($"{folder}: no text.onnx. A bundle of format 2 has one.");
        }
        string manifest = Path.Combine(folder, "manifest.json");
        if (File.Exists(manifest))
        {
            using (var document = JsonDocument.Parse(File.ReadAllBytes(manifest)))
            {
                if (document.RootElement.TryGetProperty("fallback", out JsonElement fallback)
                    && fallback.ValueKind == JsonValueKind.Object)
                {
                    below = fallback.GetProperty("below").GetDouble();
                    honest = fallback.GetProperty("replies").EnumerateArray()
                        .Select(reply => reply.GetString()).ToArray();
                }
            }
        }
        session = new InferenceSession(graph);
    }

    // The settings as they stand here are greedy search. Beam search: beamSize = width.
    // Sampling: temperature > 0, beamSize = number of samples.
    //
    // The replies, best first. If the model is not sure of the best, what the bundle says instead
    // stands in its place.
    public IReadOnlyList<string> Replies(
        string text, long maxLen = 30, long minLen = 1, long beamSize = 1,
        float lengthPenalty = 0, float temperature = 0, long topK = 0, float topP = 1, long seed = 0,
        long noRepeatNgram = 0, float repetitionPenalty = 1)
    {
        var inputs = new[]
        {
            NamedOnnxValue.CreateFromTensor("text", Text(text)),
            Scalar("max_len", maxLen),
            Scalar("min_len", minLen),
            Scalar("beam_size", beamSize),
            Scalar("length_penalty", lengthPenalty),
            Scalar("temperature", temperature),
            Scalar("top_k", topK),
            Scalar("top_p", topP),
            Scalar("seed", seed),
            Scalar("no_repeat_ngram", noRepeatNgram),
            Scalar("repetition_penalty", repetitionPenalty),
        };
        using (var outputs = session.Run(inputs, new[] { "reply", "scores", "lengths" }))
        {
            string[] replies = outputs.ElementAt(0).AsTensor<string>().ToArray();
            float score = outputs.ElementAt(1).AsTensor<float>().GetValue(0);
            long length = outputs.ElementAt(2).AsTensor<long>().GetValue(0);
            double logProbability = score * Math.Pow((5 + length) / 6.0, lengthPenalty);
            if (!(temperature > 0) && (logProbability < below || honest.Contains(replies[0])))
            {
                replies[0] = honest[text.EnumerateRunes().Count() % honest.Length];
            }
            return replies;
        }
    }

    // U+0000 would end the string; it means nothing to a bundle and is left out.
    private static DenseTensor<string> Text(string text) =>
        new DenseTensor<string>(new[] { text.Replace("\0", "") }, new[] { 1 });

    // A tensor of no dimensions: not one of length 1.
    private static NamedOnnxValue Scalar<T>(string name, T value) =>
        NamedOnnxValue.CreateFromTensor(name, new DenseTensor<T>(new[] { value }, new int[0]));

    public void Dispose() => session.Dispose();
}

static class Program
{
    static int Main(string[] arguments)
    {
        if (arguments.Length == 0)
        {
            Console.Error.WriteLine("Usage: dotnet run -- FOLDER [TEXT]...");
            return 2;
        }
        try
        {
            using (var bot = new Bot(arguments[0]))
            {
                foreach (string text in arguments.Length > 1 ? arguments.Skip(1) : Lines())
                {
                    Console.WriteLine(bot.Replies(text)[0]);
                }
            }
            return 0;
        }
        catch (Exception error) when (
            error is FileNotFoundException || error is JsonException || error is OnnxRuntimeException)
        {
            Console.Error.WriteLine($"Error: {error.Message}");
            return 3;
        }
    }

    private static IEnumerable<string> Lines()
    {
        for (string line; (line = Console.ReadLine()) != null;)
        {
            yield return line;
        }
    }
}
