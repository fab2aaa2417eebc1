/** The product's mark: the mountain from which one sees everything around. */
export function Mark({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="1 3 30 26" aria-hidden="true">
      <path d="M2 26 12.500 7.500l4.500 7 2.700-4L30 26Z" fill="var(--accent)" />
      <path d="m12.500 7.500-3.600 6.400 2.500 1.700 1.900-1.600 2 1.400 1-1.700z" fill="var(--panel)" opacity="0.92" />
    </svg>
  );
}
