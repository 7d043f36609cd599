"""Code in seven languages, written for the tests: indents, tabs, operators, strings, comments, names of every style."""

PYTHON = '''
@dataclass(frozen=True)
class Window:
    """Tokens [begin, end) of a text."""
    begin: int
    end: int = 0

    def overlap(self, other: "Window") -> int:
        return max(0, min(self.end, other.end) - max(self.begin, other.begin))


def best_windows(windows, *, limit=None, **options):
    ranked = sorted(windows, key=lambda w: (-w.end, w.begin))
    for index, window in enumerate(ranked[:limit]):
        if not window or window.begin < 0:
            continue  # nothing to see: \\u00e9t\\u00e9
        yield {"index": index, f"size_{index:>03d}": window.end - window.begin, **options}
    print(f"{len(ranked)!r} windows, {sum(w.end for w in ranked) / 1e-3:.2f} ms", end="\\n\\t")
'''

JAVA = '''
package org.example.store;

import java.util.*;

public final class LruCache<K extends Comparable<K>, V> implements Iterable<Map.Entry<K, V>> {
    private static final int MAX_ENTRIES = 1 << 10;
    private final LinkedHashMap<K, V> entries = new LinkedHashMap<>(16, 0.75f, true);

    /** Returns the value, or {@code null}. */
    @Override
    public synchronized V get(K key) throws IllegalStateException {
        if (key == null || entries.size() >= MAX_ENTRIES) {
            throw new IllegalStateException("bad key: " + key + '\\'');
        }
        return entries.getOrDefault(key, null);
    }
}
'''

JAVASCRIPT = '''
import { readFile } from 'node:fs/promises';

export async function countWords(path, { minLength = 3, ...rest } = {}) {
  const text = await readFile(path, 'utf8');
  const counts = new Map();
  for (const [word] of text.matchAll(/\\b[\\p{L}\\p{N}_$]+\\b/gu)) {
    if (word.length < minLength) continue;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([w, n]) => `${w}: ${n}\\n`).join('');
}
document.querySelector('#app > .item[data-id="42"]')?.addEventListener('click', () => window.alert('ok!'));
'''

GO = '''
package queue

import (
\t"context"
\t"errors"
\t"sync"
)

var ErrClosed = errors.New("queue: closed")

type Queue[T any] struct {
\tmu    sync.Mutex
\titems []T
\tready chan struct{}
}

func (q *Queue[T]) Pop(ctx context.Context) (item T, err error) {
\tselect {
\tcase <-ctx.Done():
\t\treturn item, ctx.Err()
\tcase _, ok := <-q.ready:
\t\tif !ok {
\t\t\treturn item, ErrClosed
\t\t}
\t}
\tq.mu.Lock()
\tdefer q.mu.Unlock()
\titem, q.items = q.items[0], q.items[1:]
\treturn item, nil
}
'''

RUBY = '''
# frozen_string_literal: true

module Report
  class Table
    attr_reader :rows

    def initialize(rows = [], title: "untitled")
      @rows, @title = rows, title
    end

    def to_s
      widths = rows.transpose.map { |column| column.map(&:to_s).max_by(&:size).size }
      body = rows.map do |row|
        row.each_with_index.map { |cell, i| cell.to_s.ljust(widths[i]) }.join(" | ")
      end
      "#{@title.upcase}\\n#{body.join("\\n")}" unless rows.empty?
    end
  end
end
'''

PHP = '''
<?php
declare(strict_types=1);

namespace App\\\\Mail;

final class Letter
{
    public function __construct(private readonly string $to, private array $lines = []) {}

    public function render(?string $greeting = null): string
    {
        $text = ($greeting ?? 'Hello') . " {$this->to},\\n";
        foreach ($this->lines as $number => $line) {
            $text .= sprintf("%2d. %s\\r\\n", $number + 1, htmlspecialchars($line, ENT_QUOTES));
        }
        return $text === '' ? '-' : $text;
    }
}
'''

CPP = '''
#include <algorithm>
#include <unordered_map>

namespace graph {

template <typename Node, typename Cost = double>
class ShortestPaths {
 public:
  explicit ShortestPaths(const Node& source) : m_costs{{source, Cost{0}}} {}

  // Dijkstra's relaxation; returns false if nothing changed.
  bool relax(const Node& from, const Node& to, Cost cost) noexcept {
    const auto known = m_costs.find(from);
    if (known == m_costs.end() || !(cost >= 0)) return false;
    auto [place, is_new] = m_costs.try_emplace(to, known->second + cost);
    if (!is_new && place->second > known->second + cost) place->second = known->second + cost;
    return is_new;  /* 0x1F & ~mask | (a << 3) ^ b != c && d++ */
  }

 private:
  std::unordered_map<Node, Cost> m_costs;
};

}  // namespace graph
'''

LANGUAGES = {"python": PYTHON, "java": JAVA, "javascript": JAVASCRIPT, "go": GO, "ruby": RUBY, "php": PHP, "cpp": CPP}


def code_lines():
    return [line for code in LANGUAGES.values() for line in code.split("\n")]


def code_texts():
    """Whole files, their lines, and blocks of a few lines with the line ends and indents that tokenizers care about."""
    texts = [code.strip("\n") for code in LANGUAGES.values()] + code_lines()
    for code in LANGUAGES.values():
        rows = code.strip("\n").split("\n")
        texts += ["\n".join(rows[i:i + 4]) + "\n" for i in range(0, len(rows), 4)]
        texts += ["\r\n".join(rows[i:i + 3]) for i in range(0, len(rows), 7)]
        texts += ["\t\t" + rows[-1] + "   ", "    " * 5 + rows[0]]
    return texts
