// The messages between the primary and its workers.

export type WorkerMessage =
  | { readonly type: 'listening'; readonly banner: readonly string[] }
  /** The worker cannot begin; `text` is for the person who started the server. */
  | { readonly type: 'failed'; readonly text: string };

export type PrimaryMessage =
  | { readonly type: 'stop'; readonly isAlone: boolean }
  | { readonly type: 'reload' };
