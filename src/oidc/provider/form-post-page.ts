// The library sends forms on (`response_mode=form_post`, `verification_uri_complete`, a sign-out without a session) by a
// bare page with an inline script, and has no option for another page. Its form is read here, to be shown in a page of
// ours. Held by flows/form-post.test.ts.

export interface PostedForm {
  readonly action: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}

const frame =
  /<title>Submitting Callback<\/title>[\s\S]*<form method="post" action="([^"]*)">([\s\S]*)<\/form>/;
const input = /<input type="hidden" name="([^"]*)" value="([^"]*)"\/>/g;

/** Undefined when the body is no such page, or its form leads to an address that is not http or https. */
export const readFormPost = (body: unknown): PostedForm | undefined => {
  if (typeof body !== 'string') return undefined;
  const [, action, inputs] = frame.exec(body) ?? [];
  if (action === undefined || inputs === undefined || !/^https?:\/\//i.test(action)) return undefined;
  return {
    action: unescaped(action),
    fields: [...inputs.matchAll(input)].map(([, name = '', value = '']) => ({
      name,
      value: unescaped(value),
    })),
  };
};

const signs: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

const unescaped = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|#39);/g, (whole, name: string) => signs[name] ?? whole);
