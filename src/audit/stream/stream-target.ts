// Audit records on their way to other systems.
//   audit-stream.ts   one stream: its place in the chain, its batches, its pauses
//   webhook.ts        signed requests to a receiver
//   file.ts           lines at the end of a file
export interface StreamBatch {
  readonly tenant: string;
  /** Numbers of the first and the last record. */
  readonly fromSeq: number;
  readonly toSeq: number;
  /** JSON objects, in the order of the chain. */
  readonly lines: readonly string[];
}

export interface Delivered {
  readonly isDelivered: boolean;
  /** For the operator: a status of the receiver, or the code of an error. Nothing of a record, and no secret. */
  readonly words: string;
}

export interface StreamTarget {
  readonly name: 'webhook' | 'file';
  /** One attempt, which takes 15 seconds at most. Never rejects. */
  deliver(batch: StreamBatch, closing: AbortSignal): Promise<Delivered>;
}
