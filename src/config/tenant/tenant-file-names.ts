const extension = '.yaml';

/** The tenants whose files are among the names in a folder, sorted. Hidden and other files are skipped. */
export const tenantIdsAmong = (fileNames: readonly string[]): readonly string[] =>
  fileNames
    .filter((name) => name.endsWith(extension) && !name.startsWith('.'))
    .map((name) => name.slice(0, -extension.length))
    .sort();

export const tenantFileName = (id: string): string => `${id}${extension}`;
