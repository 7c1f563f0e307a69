//! Lists and courses as they are declared → what is written about them.

use super::form::Form;
use super::parameter::Parameter;
use crate::course::Course;
use crate::endpoint::{Answer, Operation};
use crate::list::List;
use crate::parameters::MAX_LIMIT;
use crate::ratio_series::Series;

pub(crate) fn of_list(list: &'static List) -> Operation {
    let mut parameters: Vec<Parameter> = list.filters.iter().map(Parameter::of_filter).collect();
    parameters.extend(Parameter::range_and_order());
    parameters.extend(Parameter::sort(list.sorts));
    parameters.extend(Parameter::any_limit_cursor_and_format());
    Operation {
        summary: list.summary,
        description: list.definition.to_owned(),
        parameters,
        answer: Answer::Exported(Form::Shape(list.schema, list.shape)),
        examples: &["?limit=2&order=asc"],
    }
}

/// A row by its id: an example is any row of the list.
pub(crate) fn of_item(list: &'static List, summary: &'static str) -> Operation {
    Operation {
        summary,
        parameters: vec![Parameter::text("id", "").in_path()],
        answer: Answer::One(Form::Shape(list.schema, list.shape)),
        examples: &[],
        ..of_list(list)
    }
}

/// The latest bucket; of these forms, where there are several.
pub(crate) fn latest_of(course: &'static Course, row: Form) -> Operation {
    Operation {
        summary: course.summaries[0],
        description: (course.definition)(Series::default()).to_owned(),
        parameters: which(course).into_iter().chain(course.is_told_as_it_was.then(Parameter::as_of)).collect(),
        answer: Answer::OneOrNull(row),
        examples: examples(course),
    }
}

/// Those before.
pub(crate) fn history_of(course: &'static Course, row: Form) -> Operation {
    let mut parameters = which(course);
    parameters.extend(Parameter::range_and_order());
    parameters.extend(Parameter::any_limit_cursor_and_format());
    let (summary, mut operation) = (course.summaries[1], latest_of(course, row));
    if course.rows_of_a_page < MAX_LIMIT {
        let most = course.rows_of_a_page;
        operation.description += &format!("; a page of JSON has {most} rows at most, and next_cursor goes on");
    }
    Operation { summary, parameters, answer: Answer::Exported(row), ..operation }
}

/// The same where the coin is a parameter like the others.
pub(crate) fn history_without_path(course: &'static Course) -> Operation {
    let mut operation = history_of(course, row_of(course));
    operation.parameters[0] = Parameter::coin().required();
    operation
}

/// Of holders, of a coin or of the whole market where none is given.
pub(crate) fn history_of_holders(course: &'static Course, row: Form) -> Operation {
    let mut parameters = vec![Parameter::coin(), Parameter::interval(course.only)];
    parameters.extend(Parameter::kind_of_holders_and_cohort());
    parameters.extend(Parameter::range_and_order());
    parameters.extend(Parameter::any_limit_cursor_and_format());
    Operation { parameters, examples: &["?coin=BTC&kind=top_positions"], ..history_of(course, row) }
}

/// The rows of a course that has one form.
pub(crate) fn row_of(course: &'static Course) -> Form {
    Form::Shape(course.schema, course.shape)
}

fn which(course: &Course) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    if course.shape.has("coin") {
        parameters.push(Parameter::coin().in_path());
    }
    parameters.push(Parameter::interval(course.only));
    if course.shape.has("kind") {
        parameters.extend(Parameter::kind_and_cohort());
    }
    parameters
}

fn examples(course: &Course) -> &'static [&'static str] {
    if course.shape.has("kind") { &["?kind=taker", "?kind=cohort_positions&cohort=whale&interval=1h"] } else { &[] }
}
