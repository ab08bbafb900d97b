/** Handlers that work inside one project: the project is found by id or number first, then one command or one question goes to the port. */
import type { Command, Query as Question } from '../../core/admin/commands.ts';
import type { AdminDenial } from '../../core/admin/denial.ts';
import type { AdminPort } from '../../core/admin/port.ts';
import type { JsonObject } from '../../core/json.ts';
import { isProjectId, isProjectNumber } from '../../core/names.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { renderAnswer, renderChange, type View } from './answers.ts';
import type { RestDenial } from '../http-denial.ts';
import type { Call, Route } from './table.ts';

export interface RestContext {
  readonly admin: AdminPort;
  readonly publicOrigin: string;
}

type Answering = Result<JsonObject, RestDenial>;

/** A handler that turns a call into one command. */
export function changing(context: RestContext, command: (call: Call) => Result<Command, AdminDenial>): Route['handle'] {
  return inProject(context, async (view, call) => {
    const wanted = command(call);
    if (!wanted.ok) return wanted;
    const answer = await context.admin.apply(view.projectNumber, wanted.value, call.caller);
    return answer.ok ? ok(renderChange(answer.value, view)) : answer;
  });
}

/** A handler that turns a call into one question. */
export function asking(context: RestContext, question: Asking): Route['handle'] {
  return answered(context, question, renderAnswer);
}

/** What a change was answered with, once more. */
export function askingAfterChange(context: RestContext, question: Asking): Route['handle'] {
  return answered(context, question, renderChange);
}

type Asking = (call: Call) => Result<Question, AdminDenial>;

function answered(context: RestContext, question: Asking, render: typeof renderAnswer): Route['handle'] {
  return inProject(context, async (view, call) => {
    const wanted = question(call);
    if (!wanted.ok) return wanted;
    const answer = await context.admin.read(view.projectNumber, wanted.value);
    return answer.ok ? ok(render(answer.value, view)) : answer;
  });
}

export function inProject(
  { admin, publicOrigin }: RestContext,
  handle: (view: View, call: Call) => Promise<Answering>,
): Route['handle'] {
  return async (call) => {
    const named = call.param('project');
    // What cannot be a project is not looked up: the port never sees a text of unbounded length.
    const shaped = isProjectId(named) || isProjectNumber(named);
    const project = shaped ? await admin.findProject(named) : ok(undefined);
    if (!project.ok) return project;
    if (project.value === undefined) return err({ tag: 'not_found', resource: `projects/${named}` });
    return handle({ ...project.value, publicOrigin }, call);
  };
}
