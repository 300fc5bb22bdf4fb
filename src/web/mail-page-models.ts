/** The pages that a mail leads to, or that show one. */
export interface MailPageModels {
  /** A forgotten password. */
  recover: {
    readonly step: 'name' | 'code' | 'password';
    readonly action: string;
    readonly login?: string;
    readonly problem?:
      | 'code'
      | 'different'
      | 'link'
      | 'missing'
      | 'missing_code'
      | 'missing_name'
      | 'policy'
      | 'throttled';
    readonly rule?: string;
    readonly retryAfterSeconds?: number;
    /** Where a demo tenant shows the mail. */
    readonly demoMailUrl?: string;
    readonly startUrl: string;
    readonly signInUrl: string;
  };
  /** Mails of a demo tenant, which are not sent. */
  'demo-mail': {
    readonly mails: readonly {
      readonly to: string;
      readonly subject: string;
      readonly text: string;
      readonly link?: string;
      /** Epoch milliseconds. */
      readonly writtenAt: number;
    }[];
  };
}
