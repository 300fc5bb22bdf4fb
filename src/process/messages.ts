// The messages between the primary and its workers.

export type WorkerMessage =
  | { readonly type: 'listening'; readonly banner: readonly string[] }
  /** The worker cannot begin; `text` is for the person who started the server. */
  | { readonly type: 'failed'; readonly text: string }
  /** Asks for the numbers of all workers. */
  | { readonly type: 'numbers'; readonly id: number };

export type PrimaryMessage =
  | { readonly type: 'stop'; readonly isAlone: boolean }
  | { readonly type: 'reload' }
  /** `text` is absent when a worker did not answer. */
  | { readonly type: 'numbers'; readonly id: number; readonly text?: string };
