//! An object as the exchange wrote it → the fact: fields of ours in front, and nothing of it lost.

/// `front` is made of fields, each with a comma behind it.
pub fn with_front(front: &str, object: &str) -> Result<String, String> {
    let fields = object.trim_start().strip_prefix('{').map(str::trim_start);
    let fields = fields.filter(|fields| !fields.starts_with('}'));
    Ok(format!("{{{front}{}", fields.ok_or("an object with fields was expected")?))
}
