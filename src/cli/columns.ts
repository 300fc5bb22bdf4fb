/** Rows of text in columns as wide as their widest cell; the first row is the heading. */
export const columns = (rows: readonly (readonly string[])[]): readonly string[] => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
};

/** `2031-05-05 12:00:00Z`, or a dash. @param ms epoch milliseconds */
export const formatTime = (ms: number | undefined): string =>
  ms === undefined ? '-' : new Date(ms).toISOString().replace('T', ' ').replace(/\.\d+/, '');
