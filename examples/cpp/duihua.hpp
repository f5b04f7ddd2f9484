// A client of a duihua bundle, format 2: text in, reply out. C++17 and onnxruntime, nothing else.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace duihua {

// The settings of the search, by the names of the graph's inputs. As they stand here: greedy.
// Beam search: beam_size = width. Sampling: temperature > 0, beam_size = number of samples.
struct Decoding {
  int64_t max_len = 30;
  int64_t min_len = 1;
  int64_t beam_size = 1;
  float length_penalty = 0;
  float temperature = 0;
  int64_t top_k = 0;
  float top_p = 1;
  int64_t seed = 0;
  int64_t no_repeat_ngram = 0;
  float repetition_penalty = 1;
};

struct Reply {
  std::string text;
  std::vector<int64_t> ids;  // without the end mark
  float score;
};

struct Answer {
  std::vector<Reply> replies;  // best first
  std::vector<int64_t> source;  // the ids that the model read, end mark included
  int64_t length = 0;  // tokens of the best reply, end mark included
};

// What manifest.json has as `fallback`: what to say instead of a best reply that the model is not
// sure of, or that says so itself. As it stands here: nothing.
struct Fallback {
  double below = 0;
  std::vector<std::string> replies;

  // What to show of an answer to a turn, which is as it was typed, in UTF-8, without context.
  const std::string& shown(const std::string& turn, const Answer& answer,
                           const Decoding& decoding = {}) const {
    const auto& best = answer.replies.front();
    const auto log_probability =
        best.score * std::pow((5.0 + answer.length) / 6, double{decoding.length_penalty});
    const bool says_so = std::find(replies.begin(), replies.end(), best.text) != replies.end();
    const bool sure = decoding.temperature > 0 || !(log_probability < below || says_so);
    if (sure || replies.empty()) return best.text;
    const auto begins = [](unsigned char byte) { return (byte & 0xC0) != 0x80; };
    const auto characters = std::count_if(turn.begin(), turn.end(), begins);
    return replies[static_cast<size_t>(characters) % replies.size()];
  }
};

class Bot {
 public:
  explicit Bot(const std::filesystem::path& folder)
      : session_(environment_, graph(folder).c_str(), options()) {}

  Answer reply(const std::string& text, const Decoding& decoding = {}) {
    std::array<Ort::Value, 11> inputs = {
        text_tensor(text),
        scalar(decoding.max_len),
        scalar(decoding.min_len),
        scalar(decoding.beam_size),
        scalar(decoding.length_penalty),
        scalar(decoding.temperature),
        scalar(decoding.top_k),
        scalar(decoding.top_p),
        scalar(decoding.seed),
        scalar(decoding.no_repeat_ngram),
        scalar(decoding.repetition_penalty),
    };
    auto outputs = session_.Run(Ort::RunOptions{}, kInputs.data(), inputs.data(), inputs.size(),
                                kOutputs.data(), kOutputs.size());
    return read(outputs);
  }

 private:
  static constexpr int64_t kEos = 2;
  static constexpr std::array<const char*, 11> kInputs = {
      "text",        "max_len", "min_len", "beam_size", "length_penalty",  "temperature",
      "top_k",       "top_p",   "seed",    "no_repeat_ngram", "repetition_penalty"};
  static constexpr std::array<const char*, 5> kOutputs = {"reply", "scores", "ids", "lengths",
                                                          "source"};

  static std::filesystem::path graph(const std::filesystem::path& folder) {
    auto path = folder / "text.onnx";
    if (std::filesystem::is_regular_file(path)) return path;
    throw std::runtime_error(folder.string() + ": no text.onnx. A bundle of format 2 has one.");
  }

  static Ort::SessionOptions options() {
    Ort::SessionOptions options;
    // Between two replies the threads sleep: spinning, they would take this program's cores.
    options.AddConfigEntry("session.force_spinning_stop", "1");
    return options;
  }

  // A tensor of no dimensions: not one of length 1.
  template <typename T>
  Ort::Value scalar(T value) {
    auto tensor = Ort::Value::CreateTensor<T>(allocator_, nullptr, 0);
    *tensor.template GetTensorMutableData<T>() = value;
    return tensor;
  }

  // U+0000 would end the string; it means nothing to a bundle and is left out.
  Ort::Value text_tensor(std::string text) {
    text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
    const std::array<int64_t, 1> shape = {1};
    auto tensor = Ort::Value::CreateTensor(allocator_, shape.data(), shape.size(),
                                           ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING);
    tensor.FillStringTensorElement(text.c_str(), 0);
    return tensor;
  }

  static Answer read(std::vector<Ort::Value>& outputs) {
    const auto& [reply, scores, ids, lengths, source] =
        std::tie(outputs[0], outputs[1], outputs[2], outputs[3], outputs[4]);
    const auto shape = ids.GetTensorTypeAndShapeInfo().GetShape();  // (K, T)
    const auto* rows = ids.GetTensorData<int64_t>();
    Answer answer;
    answer.length = lengths.GetTensorData<int64_t>()[0];
    for (int64_t k = 0; k < shape[0]; ++k) {
      const auto* first = rows + k * shape[1];
      const auto* last = first + lengths.GetTensorData<int64_t>()[k];
      if (last > first && last[-1] == kEos) --last;
      answer.replies.push_back({reply.GetStringTensorElement(static_cast<size_t>(k)),
                                {first, last},
                                scores.GetTensorData<float>()[k]});
    }
    const auto* begin = source.GetTensorData<int64_t>();
    answer.source.assign(begin, begin + source.GetTensorTypeAndShapeInfo().GetElementCount());
    return answer;
  }

  // onnxruntime would write a device id into the home directory and report to its maker. Who wants
  // that sets the variable to 0.
  static Ort::Env quiet_environment() {
    setenv("ORT_DISABLE_TELEMETRY", "1", 0);
    return Ort::Env(ORT_LOGGING_LEVEL_ERROR, "duihua");
  }

  Ort::Env environment_ = quiet_environment();
  Ort::Session session_;
  Ort::AllocatorWithDefaultOptions allocator_;
};

}  // namespace duihua
