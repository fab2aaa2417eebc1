/** The Hoàng Liên Sơn ridge behind the login card: contour lines, drawn, not loaded. Decoration only. */
import styles from "./LoginPage.module.css";

/** A ridge line across 1440 units: sums of fixed waves, so it is the same on every visit. */
function line(level: number): string {
  const base = 640 - level * 34;
  let path = "";
  for (let x = 0; x <= 1440; x += 12) {
    const u = x / 1440;
    const peak =
      250 * Math.exp(-(((u - 0.66) / 0.11) ** 2)) +
      150 * Math.exp(-(((u - 0.42) / 0.13) ** 2)) +
      110 * Math.exp(-(((u - 0.9) / 0.08) ** 2));
    const rough = 15 * Math.sin(u * 37 + level) + 8 * Math.sin(u * 83 + level * 2.1) + 20 * Math.sin(u * 9 + level * 0.7);
    const y = base - peak * (0.28 + level * 0.105) - rough;
    path += `${x === 0 ? "M" : "L"}${x} ${y.toFixed(1)}`;
  }
  return path;
}

const LINES = Array.from({ length: 8 }, (_, i) => ({ level: 7 - i, path: line(7 - i) }));

export function Ridge() {
  return (
    <svg className={styles.ridge} viewBox="0 0 1440 720" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
      {LINES.map(({ level, path }) => (
        <path
          key={level}
          d={`${path}L1440 720L0 720Z`}
          fill="var(--panel)"
          fillOpacity={0.5}
          stroke="var(--accent)"
          strokeOpacity={0.1 + level * 0.045}
          strokeWidth={level === 7 ? 1.6 : 1}
        />
      ))}
    </svg>
  );
}
