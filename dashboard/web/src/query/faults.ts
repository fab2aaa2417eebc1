/**
 * What the server says is wrong with a query, in Vietnamese. The server answers with the place and a sentence of its own; each of its
 * sentences stands here beside ours, with the same holes (tests/unit/faults.test.ts holds them against the server's source). A sentence
 * that is not known stays as the server wrote it.
 */
import type { QueryFault } from "../api/types";

/** English with holes, Vietnamese with the same holes. */
export const SENTENCES: readonly (readonly [string, string])[] = [
  // what is wrong
  ["the query has {bytes} bytes, and at most {most} are read", "câu truy vấn dài {bytes} byte, chỉ đọc tối đa {most}"],
  ["only a filter can stand here", "ở đây chỉ viết được điều kiện lọc"],
  ["this `)` closes nothing", "dấu `)` này không đóng dấu nào"],
  ["{what} cannot stand here", "{what} không đứng ở đây được"],
  ["more than {most} tests in one filter", "quá {most} điều kiện trong một bộ lọc"],
  ["this `(` is not closed", "dấu `(` này chưa được đóng"],
  ["the filter ends too early", "bộ lọc kết thúc quá sớm"],
  ["there is nothing between the quotes", "giữa hai dấu nháy không có gì"],
  ["more than {most} steps", "quá {most} bước"],
  ["a step is missing before {what}", "thiếu một bước trước {what}"],
  ["`{word}` is no step", "`{word}` không phải là một bước"],
  ["more than {most} items", "quá {most} mục"],
  ["a figure is missing before {what}", "thiếu một phép tính trước {what}"],
  ["`{word}` is no figure", "`{word}` không phải là một phép tính"],
  ["`)` is missing before {what}", "thiếu dấu `)` trước {what}"],
  ["`{word}` needs a field", "`{word}` cần một trường"],
  ["the length of an interval is missing", "thiếu độ dài của khoảng thời gian"],
  ["a number is missing before {what}", "thiếu một số trước {what}"],
  ["more than {most} levels of parentheses or `not`", "quá {most} tầng ngoặc hoặc `not`"],
  ["this quote is not closed", "dấu nháy này chưa được đóng"],
  ["a value is missing before {what}", "thiếu một giá trị trước {what}"],
  ["`/{bits}` is no network of {address}", "`/{bits}` không phải là một dải mạng của {address}"],
  ["`{text}` is no number", "`{text}` không phải là số"],
  ["a regular expression stands in quotes", "biểu thức chính quy phải nằm trong dấu nháy"],
  ["`to` is missing before {what}", "thiếu `to` trước {what}"],
  ["this range is not closed", "khoảng giá trị này chưa được đóng"],
  ["a range without bounds is no range", "khoảng giá trị không có giới hạn nào"],
  ["a field name is missing", "thiếu tên trường"],
  ["`{name}` is no field name", "`{name}` không phải là tên trường"],
  ["no more new field names are taken (`{name}`)", "không nhận thêm tên trường mới (`{name}`)"],
  ["a query computes once", "một câu truy vấn chỉ tính một lần"],
  ["stats and timechart work on events", "stats và timechart tính trên sự kiện"],
  ["where comes before sort, head, tail and fields", "where đứng trước sort, head, tail và fields"],
  // what to write instead
  ["shorten it; long lists of values belong into a rule", "hãy rút ngắn; danh sách giá trị dài nên viết thành luật"],
  ["leave out what follows `|`", "bỏ phần sau dấu `|`"],
  ["remove it, or add `(` before", "bỏ nó đi, hoặc thêm `(` ở trước"],
  ['quote it if it is text: "…"', 'nếu là chữ cần tìm thì đặt trong nháy: "…"'],
  ["put a test on both sides; quote it to search for the word", "viết điều kiện ở cả hai bên; để tìm chính từ này thì đặt trong nháy"],
  ["long lists of values belong into a rule", "danh sách giá trị dài nên viết thành luật"],
  ["add `)`", "thêm `)`"],
  ["join with and, or; close with `)`", "nối bằng and, or; đóng bằng `)`"],
  ["a range follows a field, as in destination.port:[1 to 1024]", "khoảng giá trị đứng sau một trường, như destination.port:[1 to 1024]"],
  ["write a word, a phrase or field:value", "viết một từ, một cụm từ hoặc trường:giá_trị"],
  ["write what to look for", "viết điều cần tìm"],
  ["begin the next step with `|`", "bắt đầu bước sau bằng `|`"],
  ["shorten the query", "hãy rút ngắn câu truy vấn"],
  ["write stats, timechart, where, sort, head, tail or fields", "viết stats, timechart, where, sort, head, tail hoặc fields"],
  ["shorten the list", "hãy rút ngắn danh sách"],
  ["write count(), sum(field), avg, min, max, dc, or p1 to p100", "viết count(), sum(trường), avg, min, max, dc, hoặc p1 đến p100"],
  ["count() counts events and takes no field", "count() đếm sự kiện, không nhận trường nào"],
  ["write one field between parentheses", "viết một trường giữa hai dấu ngoặc"],
  ["write {word}(source.bytes)", "viết {word}(source.bytes)"],
  ["write span=30s, 5m, 1h or 1d", "viết span=30s, 5m, 1h hoặc 1d"],
  ["write the column's name", "viết tên cột"],
  ["write head 20", "viết head 20"],
  ["simplify the filter", "hãy viết bộ lọc đơn giản hơn"],
  ['add `"`', 'thêm `"`'],
  ['write a text, a "phrase", a number, * for any', 'viết một chữ, một "cụm từ", một số, hoặc * cho mọi giá trị'],
  ["write /0 to /{most}", "viết /0 đến /{most}"],
  ["the time range is set apart from the query", "khoảng thời gian chọn riêng, không nằm trong câu truy vấn"],
  ["comparisons are for numbers, as in source.bytes:>1000", "so sánh chỉ dùng cho số, như source.bytes:>1000"],
  ['write field:~"(?i)exp.*"', 'viết trường:~"(?i)exp.*"'],
  ["see docs.rs/regex for the syntax", "cú pháp biểu thức chính quy: docs.rs/regex"],
  ["write [1 to 1024]", "viết [1 to 1024]"],
  ["write [1 to 1024] or {{1 to 1024}}", "viết [1 to 1024] hoặc {{1 to 1024}}"],
  ["write :* for any value", "viết :* cho mọi giá trị"],
  ["a field name has letters, digits and _ . @ -, as in source.ip", "tên trường gồm chữ không dấu, số và _ . @ -, như source.ip"],
  ["restart the service, or use fields that events have", "khởi động lại dịch vụ, hoặc dùng các trường mà sự kiện có"],
  ["remove the second stats or timechart", "bỏ stats hoặc timechart thứ hai"],
  ["move it before sort, head, tail and fields", "đưa nó lên trước sort, head, tail và fields"],
  ["move it forward", "đưa nó lên trước"],
];

interface Reader {
  pattern: RegExp;
  holes: string[];
  words: string;
}

const HOLE = /\{\{|\}\}|\{(\w+)\}/g;

function reader([english, words]: readonly [string, string]): Reader {
  const holes: string[] = [];
  let pattern = "";
  let from = 0;
  const plain = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  for (const found of english.matchAll(HOLE)) {
    pattern += plain(english.slice(from, found.index));
    from = found.index + found[0].length;
    if (found[1]) {
      holes.push(found[1]);
      pattern += "([^]+?)";
    } else pattern += plain(found[0].slice(0, 1));
  }
  return { pattern: new RegExp(`^${pattern}${plain(english.slice(from))}$`), holes, words };
}

let readers: Reader[] | undefined;

/** The place a sentence ends at, where it is not a piece of the query. */
const END = { "the end": "cuối câu" } as Record<string, string>;

/** `sentence` in Vietnamese; `null`: not one we know. */
export function inVietnamese(sentence: string): string | null {
  readers ??= SENTENCES.map(reader);
  for (const { pattern, holes, words } of readers) {
    const found = pattern.exec(sentence);
    if (!found) continue;
    const filled = new Map(holes.map((name, i) => [name, found[i + 1] ?? ""]));
    return words.replace(HOLE, (hole, name?: string) => {
      if (!name) return hole.slice(0, 1);
      const value = filled.get(name) ?? "";
      return END[value] ?? value;
    });
  }
  return null;
}

/** The fault in the reader's language. */
export function told(fault: QueryFault, language: "vi" | "en"): QueryFault {
  if (language === "en") return fault;
  const { position, message, help } = fault;
  return { position, message: inVietnamese(message) ?? message, help: help && (inVietnamese(help) ?? help) };
}
