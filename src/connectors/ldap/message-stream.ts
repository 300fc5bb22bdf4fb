import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createMessageGuard, MalformedMessage, type MessageGuard } from './message-guard.ts';

/**
 * Limits for the answer of one operation: bytes, and messages, each of which costs much more memory than its length.
 */
const longestAnswer = 4 * 1024 * 1024;
const mostMessages = 6_000;

/**
 * The stream that ldapts uses as its socket: it emits one whole, checked message at a time. It closes with the socket,
 * and the reverse.
 */
export class MessageStream extends Duplex {
  /** ldapts uses these members of a socket that it did not open. */
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

  /** An operation begins: the limits for its answer start anew. */
  beginAnswer(): void {
    this.answerBytes = 0;
    this.messages = 0;
  }

  /**
   * Returns the socket, for the upgrade to TLS.
   * @returns whether no bytes followed the first message: such bytes were sent without TLS, so any host on the path may have sent them
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
    // The socket pushes its data; length and time of an answer are bounded.
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.detach();
    // An error of a socket that is being destroyed must not end the process.
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
