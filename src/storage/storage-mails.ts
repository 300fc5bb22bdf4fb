// The part of the storage port for mails to people.
import type { QueueEntry, StoredQueue } from './storage-queue.ts';

export interface MailRecord extends QueueEntry {
  /** The kind of the mail, such as `password_reset`. */
  readonly purpose: string;
  /** The account that it is about; absent when there is none (yet). */
  readonly sub?: string;
  /** For the ledger: the address with most of its name left out. */
  readonly address: string;
  /** Sealed: address, codes and links. Absent once the mail is settled. */
  readonly content?: string;
}

export interface StoredMails extends StoredQueue<MailRecord> {
  /** Lets a mail that nobody has attempted be attempted from `nowMs` on. */
  release(id: string, nowMs: number): Promise<void>;
  /** Those about an account, newest first. */
  ofAccount(sub: string, limit: number): Promise<readonly MailRecord[]>;
  /** Takes back a mail that nobody has attempted. */
  remove(id: string): Promise<void>;
}
