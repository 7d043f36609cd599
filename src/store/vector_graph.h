// Approximate neighbours by a navigable small-world graph (Malkov, Yashunin 2018), through hnswlib. Finds nearly always
// what an exact search finds, without looking at every row.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kernels/kernel_table.h"

namespace vivace {

class VectorGraph {
 public:
  VectorGraph(const KernelTable& kernels, size_t dimensions);
  ~VectorGraph();
  VectorGraph(const VectorGraph&) = delete;
  VectorGraph& operator=(const VectorGraph&) = delete;

  // Makes room for so many rows. Not beside any other call.
  void reserve(size_t rows);
  // Of how many rows near the direction find() looks at the neighbours: the more, the more of the nearest it finds, and
  // the longer it takes. To be set before the first find(), and not beside one.
  void set_candidates(size_t candidates);
  // Adds a row, or moves the one of that number. unit: of length 1, copied. Within what was reserved. Not beside
  // find().
  void put(size_t row, const float* unit);
  // Gives a row more links to rows near it, and those near it links back, without which many rows are hard to reach:
  // hnswlib drops each link whose end is nearer to another link's end than to the row. Of rows that lie together as
  // closely as those around one topic only 4 links are left; a fifth of them no other row leads to. To be called for
  // each row when all are in, and for what is put later. Not beside find().
  void connect(size_t row);
  // Rows near the direction, about the nearest `limit`, in no order. May run side by side.
  std::vector<size_t> find(const float* unit, size_t limit) const;

 private:
  struct Graph;
  std::unique_ptr<Graph> m_graph;
};

}  // namespace vivace
