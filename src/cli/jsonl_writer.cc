#include <span>

#include "base/json.h"
#include "base/json_writer.h"
#include "cli/vector_writer.h"

namespace vivace {
namespace {

constexpr uint64_t kScanBytes = uint64_t{64} << 10;
constexpr size_t kMaxValues = size_t{1} << 20;

class JsonlWriter final : public VectorWriter {
 public:
  JsonlWriter(OutputFile file, size_t vector_size, VectorsOfText vectors)
      : m_file(std::move(file)), m_vector_size(vector_size), m_vectors(vectors) {}

  Result<uint64_t> resume() override {
    ASSIGN_OR_RETURN(const uint64_t size, m_file.size());
    ASSIGN_OR_RETURN(const uint64_t end, after_last_newline(size));
    if (end < size) RETURN_IF_ERROR(m_file.truncate(end));
    if (end == 0) return 0;
    ASSIGN_OR_RETURN(const uint64_t begin, after_last_newline(end - 1));
    ASSIGN_OR_RETURN(const std::string line, m_file.read_at(begin, end - begin));
    const auto index = read_row(line);
    if (!index) {
      return error(StatusCode::kCorruptFile,
                   "--resume: the output's last line was not written by `vivace embed` with these options (" +
                       index.error().message + "); choose another --output");
    }
    return *index + 1;
  }

  Result<void> write(uint64_t index, const TextEmbedding& embedding) override {
    m_json.begin_object().key("index").value(index).key("tokens").value(embedding.tokens);
    if (embedding.truncated) m_json.key("truncated").value(true);
    m_json.key("embedding");
    const std::span<const float> values(embedding.values);
    if (m_vectors == VectorsOfText::kOne) {
      m_json.values(values);
    } else {
      m_json.begin_array();
      for (size_t at = 0; at < values.size(); at += m_vector_size) m_json.values(values.subspan(at, m_vector_size));
      m_json.end_array();
    }
    return end_line();
  }

  Result<void> write_problem(uint64_t index, std::string_view problem) override {
    m_json.begin_object().key("index").value(index).key("error").value(problem);
    return end_line();
  }

  Result<void> flush() override { return m_file.flush(); }
  Result<void> finish() override { return m_file.flush(); }

 private:
  Result<void> end_line() {
    m_json.end_object();
    std::string line = m_json.take();
    line += '\n';
    return m_file.write(line);
  }

  // Position behind the last '\n' before end, 0 without one.
  Result<uint64_t> after_last_newline(uint64_t end) const {
    while (end > 0) {
      const uint64_t begin = end > kScanBytes ? end - kScanBytes : 0;
      ASSIGN_OR_RETURN(const std::string bytes, m_file.read_at(begin, end - begin));
      if (const size_t newline = bytes.rfind('\n'); newline != std::string::npos) return begin + newline + 1;
      end = begin;
    }
    return 0;
  }

  // The index of a row as we would write it: with an error, or with a vector of the size that is asked for.
  Result<uint64_t> read_row(std::string_view line) const {
    ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(line, "last line"));
    const JsonValue row = document.root();
    ASSIGN_OR_RETURN(const JsonValue member, row.get("index"));
    ASSIGN_OR_RETURN(const int64_t index, member.as_integer(0, int64_t{1} << 53));
    if (!row.find("error")) {
      ASSIGN_OR_RETURN(const JsonValue embedding, row.get("embedding"));
      RETURN_IF_ERROR(check_vector(embedding));
    }
    return static_cast<uint64_t>(index);
  }

  Result<void> check_vector(JsonValue vector) const {
    ASSIGN_OR_RETURN(std::vector<JsonValue> values, vector.as_array(kMaxValues));
    if (m_vectors == VectorsOfText::kOneForEachToken) {
      if (values.empty()) return vector.fail("is empty");
      vector = values.front();
      ASSIGN_OR_RETURN(values, vector.as_array(kMaxValues));
    }
    if (values.size() != m_vector_size) {
      return vector.fail("has " + std::to_string(values.size()) + " values, not the " + std::to_string(m_vector_size) +
                         " that are asked for");
    }
    RETURN_IF_ERROR(values.front().as_double());
    return {};
  }

  OutputFile m_file;
  size_t m_vector_size;
  VectorsOfText m_vectors;
  JsonWriter m_json;
};

}  // namespace

std::unique_ptr<VectorWriter> make_jsonl_writer(OutputFile file, size_t vector_size, VectorsOfText vectors) {
  return std::make_unique<JsonlWriter>(std::move(file), vector_size, vectors);
}

}  // namespace vivace
