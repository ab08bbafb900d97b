/** What the pages are made of. What is not here does not compile: no `on…`, no `style`, no frame, and no element whose content is not text to a browser. */
import type { Child } from './jsx-runtime.ts';

type Text = string | undefined;
type Figure = number | undefined;
/** There or not. */
type Flag = boolean | undefined;

interface Every {
  readonly class?: Text;
  readonly hidden?: Flag;
  readonly id?: Text;
  readonly role?: Text;
  readonly tabindex?: Figure;
  readonly title?: Text;
  readonly [label: `aria-${string}`]: Text;
  readonly [data: `data-${string}`]: Text | Figure | Flag;
}

interface WithContent extends Every {
  readonly children?: Child;
}

interface Link extends WithContent {
  readonly href: string;
  readonly download?: Flag;
}

interface Form extends WithContent {
  readonly method: 'get' | 'post';
  readonly action?: Text;
}

interface Control {
  readonly name?: Text;
  readonly required?: Flag;
  readonly maxlength?: Figure;
  readonly spellcheck?: 'false';
}

interface Input extends Every, Control {
  readonly autocomplete?: 'off';
  readonly inputmode?: 'numeric';
  readonly pattern?: Text;
  readonly placeholder?: Text;
  readonly type?: 'datetime-local' | 'email' | 'hidden' | 'password';
  readonly value?: Text;
}

interface Button extends WithContent {
  readonly name?: Text;
  readonly type?: 'button';
  readonly value?: Text;
}

interface Option extends WithContent {
  readonly value: string;
  readonly selected?: Flag;
}

/** In a drawing. */
interface Shape extends Every {
  readonly height?: string;
  readonly width?: string;
  readonly x?: string;
  readonly y?: string;
}

interface Line extends Every {
  readonly x1?: string;
  readonly x2: string | number;
  readonly y1: string | number;
  readonly y2: string | number;
}

type Plain =
  | 'bdi'
  | 'body'
  | 'code'
  | 'dd'
  | 'details'
  | 'div'
  | 'dl'
  | 'dt'
  | 'g'
  | 'h1'
  | 'h2'
  | 'h3'
  | 'head'
  | 'header'
  | 'li'
  | 'main'
  | 'nav'
  | 'ol'
  | 'p'
  | 'pre'
  | 'section'
  | 'span'
  | 'strong'
  | 'summary'
  | 'table'
  | 'tbody'
  | 'td'
  | 'thead'
  | 'title'
  | 'tr'
  | 'ul';

export interface Elements extends Readonly<Record<Plain, WithContent>> {
  readonly a: Link;
  readonly button: Button;
  readonly form: Form;
  readonly html: WithContent & { readonly lang: string };
  readonly img: Every & { readonly src: string; readonly alt: string; readonly width: string; readonly height: string };
  readonly input: Input;
  readonly label: WithContent & { readonly for: string };
  readonly line: Line;
  readonly link: { readonly rel: string; readonly href: string; readonly type?: string };
  readonly meta: {
    readonly charset?: string;
    readonly name?: string;
    readonly content?: string;
    readonly 'http-equiv'?: 'refresh';
  };
  readonly option: Option;
  readonly rect: Shape;
  /** From an address only: escapes mean nothing in a script. */
  readonly script: { readonly type: 'module'; readonly src: string };
  readonly select: WithContent & Control;
  readonly svg: WithContent & { readonly viewBox: string; readonly preserveAspectRatio?: 'none' };
  readonly textarea: WithContent & Control;
  readonly th: WithContent & { readonly scope: 'col' };
  readonly time: WithContent & { readonly datetime: string };
}
