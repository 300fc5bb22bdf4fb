/**
 * oidc-provider prints an alarming warning about Node 20 on the console when it is imported; `start` prints one calm
 * line instead. All other output during the import is passed on.
 */
export const importQuietly = async <T>(load: () => Promise<T>): Promise<T> => {
  const warn = console.warn;
  console.warn = (...words: unknown[]) => {
    if (!String(words[0]).includes('Unsupported runtime')) warn(...words);
  };
  try {
    return await load();
  } finally {
    console.warn = warn;
  }
};
