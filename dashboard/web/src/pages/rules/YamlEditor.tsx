/** A text box for Sigma: colours, indentation, and the findings of the server where they belong. It knows no rule itself. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { RuleDiagnostic } from "../../api/types";
import { useStable } from "../../components/useStable";
import { type Language, useLanguage } from "../../i18n";
import { told } from "../../i18n/told";
import styles from "./RuleEditor.module.css";

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--syntax-field)" },
  { tag: tags.comment, color: "var(--faint)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--syntax-value)" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--dim)" },
  { tag: [tags.meta, tags.labelName, tags.typeName], color: "var(--syntax-function)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", backgroundColor: "var(--surface)", color: "var(--text)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--accent)", padding: "10px 0" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "var(--panel)", color: "var(--faint)", borderRight: "1px solid var(--line)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--selected) !important" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line-strong)" },
});

/** A finding at its line and column; one without a place stands at the beginning. */
function placed(state: EditorState, found: RuleDiagnostic, language: Language): Diagnostic {
  const { message, help } = told(found, language);
  const line = state.doc.line(Math.min(Math.max(found.line ?? 1, 1), state.doc.lines));
  const from = Math.min(line.to, line.from + Math.max(0, (found.column ?? 1) - 1));
  return {
    from,
    to: Math.max(from, line.to),
    severity: found.severity === "error" ? "error" : "warning",
    message: `${found.code} ${message}\n${help}`,
  };
}

interface YamlEditorProps {
  /** The text to begin with; another `key` begins anew. */
  initial: string;
  label: string;
  readOnly: boolean;
  diagnostics: RuleDiagnostic[];
  onChange: (text: string) => void;
  onSave: () => void;
}

export function YamlEditor({ initial, label, readOnly, diagnostics, onChange, onSave }: YamlEditorProps) {
  const language = useLanguage();
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const changed = useStable(onChange);
  const save = useStable(onSave);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor holds its text itself, from the first one on
  useEffect(() => {
    if (!place.current) return;
    const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";
    const keys = [
      {
        key: "Mod-s",
        run: () => {
          save();
          return true;
        },
      },
      indentWithTab,
      ...defaultKeymap,
      ...historyKeymap,
    ];
    const state = EditorState.create({
      doc: initial,
      extensions: [
        EditorView.cspNonce.of(nonce),
        lineNumbers(),
        lintGutter(),
        history(),
        indentOnInput(),
        bracketMatching(),
        yaml(),
        syntaxHighlighting(colours),
        look,
        EditorView.lineWrapping,
        EditorState.tabSize.of(2),
        EditorState.readOnly.of(readOnly),
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", autocapitalize: "none" }),
        keymap.of(keys),
        EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
      ],
    });
    const made = new EditorView({ state, parent: place.current });
    view.current = made;
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const shown = view.current;
    if (shown)
      shown.dispatch(
        setDiagnostics(
          shown.state,
          diagnostics.map((d) => placed(shown.state, d, language)),
        ),
      );
  }, [diagnostics, language]);
  return <div ref={place} className={styles.editor} data-testid="rule-text" />;
}
