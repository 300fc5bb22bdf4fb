/** An address of before, which the person can put back; an account has the oldest first. */
export interface FormerEmail {
  /** What puts it back names it so. */
  readonly id: string;
  readonly email: string;
  readonly isVerified: boolean;
  /** The user name, if it was that address too. */
  readonly username?: string;
  /** Epoch milliseconds. */
  readonly until: number;
}
