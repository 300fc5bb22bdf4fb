// What the primary and its workers say to each other.

export type WorkerMessage =
  | { readonly type: 'listening'; readonly banner: readonly string[] }
  /** It cannot begin; `text` is for the person who started the server. */
  | { readonly type: 'failed'; readonly text: string };

export type PrimaryMessage =
  | { readonly type: 'stop'; readonly isAlone: boolean }
  | { readonly type: 'reload' };
