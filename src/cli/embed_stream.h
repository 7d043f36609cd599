// `vivace embed` as a stream: texts in, rows of a VectorWriter out.
#pragma once

#include "cli/answer_stream.h"
#include "cli/vector_writer.h"
#include "engine/engine.h"

namespace vivace {

// settings: everything but the texts. The engine and the writer must outlive what is returned.
StreamedVerb embed_verb(Engine& engine, VectorWriter& writer, EmbedRequest settings);

}  // namespace vivace
