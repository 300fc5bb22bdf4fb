/**
 * oidc-provider warns of Node 20 on the console when it is imported, in words that alarm people; `start` says it in
 * one line of its own. Everything else that is said meanwhile passes.
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
