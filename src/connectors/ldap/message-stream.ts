import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createMessageGuard, MalformedMessage, type MessageGuard } from './message-guard.ts';

/** What one operation may bring: bytes, and messages, of which each costs much more memory than it is long. */
const longestAnswer = 4 * 1024 * 1024;
const mostMessages = 6_000;

/**
 * What ldapts takes for its socket: one whole, checked message at a time comes out of it. It closes with the socket,
 * and the reverse.
 */
export class MessageStream extends Duplex {
  /** ldapts asks for these of a socket that it did not open. */
  readonly connecting = false;
  readonly readyState = 'open';
  private readonly socket: Socket;
  private readonly guard: MessageGuard = createMessageGuard();
  private answerBytes = 0;
  private messages = 0;

  constructor(socket: Socket) {
    super({ readableObjectMode: true, allowHalfOpen: false });
    this.socket = socket;
    socket.on('data', this.onData);
    socket.on('error', this.onError);
    socket.on('close', this.onClose);
  }

  /** An operation begins: its answer may be as long as any. */
  beginAnswer(): void {
    this.answerBytes = 0;
    this.messages = 0;
  }

  /**
   * Gives the socket back, for the upgrade to TLS.
   * @returns whether nothing came behind the first message: what did was sent without TLS, by whoever
   */
  detach(): boolean {
    this.socket.removeListener('data', this.onData);
    this.socket.removeListener('error', this.onError);
    this.socket.removeListener('close', this.onClose);
    return this.guard.pendingBytes() === 0 && this.messages === 1;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.socket.write(chunk, done);
  }

  override _read(): void {
    // The socket pushes; an answer is bounded by its length and its time.
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.detach();
    // A socket that fails while it is destroyed must not take the process along.
    this.socket.on('error', () => {});
    this.socket.destroy();
    done(error);
  }

  private readonly onData = (chunk: Buffer): void => {
    this.answerBytes += chunk.length;
    try {
      for (const message of this.guard.accept(chunk)) {
        this.messages += 1;
        if (this.answerBytes > longestAnswer || this.messages > mostMessages)
          throw new MalformedMessage('an answer is too long');
        this.push(message);
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new MalformedMessage('the answer cannot be read'));
    }
  };

  private readonly onError = (error: Error): void => {
    this.destroy(error);
  };

  private readonly onClose = (): void => {
    this.destroy();
  };
}
