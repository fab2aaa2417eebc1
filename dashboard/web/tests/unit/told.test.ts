/** What is wrong is read in the reader's language. */
import { describe, expect, it } from "vitest";
import { told } from "../../src/i18n/told";

describe("a fault", () => {
  const fault = { message: "this quote is not closed", message_vi: "dấu nháy này chưa được đóng", help: 'add `"`', help_vi: 'thêm `"`' };

  it("is told in Vietnamese and in English, as the server says it", () => {
    expect(told(fault, "vi")).toEqual({ message: "dấu nháy này chưa được đóng", help: 'thêm `"`' });
    expect(told(fault, "en")).toEqual({ message: "this quote is not closed", help: 'add `"`' });
  });
});
