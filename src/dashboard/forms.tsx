/** What forms are made of: each field has its label, and each form of somebody who is signed in the token of his session. */
import type { SessionContent } from '../core/admin/sessions.ts';
import type { Elements } from './jsx/elements.ts';
import type { WithChildren } from './jsx/jsx-runtime.ts';

interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly hint?: string | undefined;
}

function Field({ label, name, hint, children }: WithChildren<FieldProps>) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      {children}
      {hint === undefined ? null : <p class="hint">{hint}</p>}
    </div>
  );
}

export function InputField({ label, hint, name, ...more }: FieldProps & Omit<Elements['input'], 'name'>) {
  return (
    <Field label={label} name={name} hint={hint}>
      <input id={name} name={name} {...more} />
    </Field>
  );
}

export function SelectField({ children, ...field }: WithChildren<FieldProps>) {
  return (
    <Field {...field}>
      <select id={field.name} name={field.name}>
        {children}
      </select>
    </Field>
  );
}

export function TextField({ label, hint, name, ...more }: FieldProps & Omit<Elements['textarea'], 'name'>) {
  return (
    <Field label={label} name={name} hint={hint}>
      <textarea id={name} name={name} {...more} />
    </Field>
  );
}

/** Sent once, however often its button is pressed. `hidden` goes along unseen; only who signs in has no session yet. */
export function PostForm({
  session,
  to,
  hidden = {},
  children,
}: WithChildren<{
  session: Pick<SessionContent, 'formToken'> | undefined;
  to?: string;
  hidden?: Readonly<Record<string, string>>;
}>) {
  const token = session === undefined ? {} : { formToken: session.formToken };
  return (
    <form method="post" action={to} data-once>
      {Object.entries({ ...token, ...hidden }).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {children}
    </form>
  );
}
