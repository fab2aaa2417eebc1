/** One line of text, cut where its cell ends; whole under the pointer. */
export function Cut({ text }: { text: string }) {
  return (
    <span className="cut" style={{ display: "block" }} title={text}>
      {text}
    </span>
  );
}
