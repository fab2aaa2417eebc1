/** The password policy as the server applies it, told while one types. The server has the last word. */

export const MIN_LENGTH = 12;

export type PolicyRule = "length" | "name" | "distinct" | "old" | "repeat";

/** Which rules the new password meets, in the order they are shown. */
export function checkPassword(user: string, old: string, password: string, repeat: string): { rule: PolicyRule; met: boolean }[] {
  const folded = password.toLowerCase();
  const name = user.toLowerCase();
  const holdsName = name !== "" && (folded === name || (name.length >= 4 && folded.includes(name)));
  return [
    { rule: "length", met: [...password].length >= MIN_LENGTH },
    { rule: "distinct", met: new Set(folded).size >= 4 },
    { rule: "name", met: password !== "" && !holdsName },
    { rule: "old", met: password !== "" && password !== old },
    { rule: "repeat", met: password !== "" && password === repeat },
  ];
}
