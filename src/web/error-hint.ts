/** For the developer of an app, on the error page of demo tenants and loopback hosts only. */
export interface ErrorHint {
  readonly clientId: string;
  /** Names of clients or addresses. */
  readonly registered: readonly string[];
  readonly came?: string;
  readonly difference?: string;
  readonly file: string;
  /** To be written in the file. */
  readonly lines?: string;
}
