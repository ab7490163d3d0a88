using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Berth.Registry.Pages.Forms;

/// <summary>The fields of a form, each asked for by name: what a page did not offer is never taken over into a record.</summary>
internal sealed class FormFields(IFormCollection form)
{
    /// <summary>A field's text without white space around it; empty where there is none.</summary>
    public string Text(string name) => form[name].ToString().Trim();

    /// <summary>A field's text as it was given: passwords and README.</summary>
    public string Raw(string name) => form[name].ToString();

    /// <summary>True for a ticked box.</summary>
    public bool IsTicked(string name) => form[name].Count > 0;

    /// <summary>The values of a field that may come several times.</summary>
    public IReadOnlyList<string> All(string name) => [.. form[name].OfType<string>()];

    /// <summary>A whole number; null for an empty field.</summary>
    /// <exception cref="FaultException">InvalidArgument: something else.</exception>
    public int? Number(string name)
    {
        string text = Text(name);
        if (text.Length == 0)
            return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number : throw FaultException.Invalid($"{name}: \"{(text.Length > 20 ? text[..20] : text)}\" is not a whole number");
    }

    /// <summary>A row's id.</summary>
    /// <exception cref="FaultException">InvalidArgument: not a number.</exception>
    public long Id(string name) => long.TryParse(Text(name), NumberStyles.None, CultureInfo.InvariantCulture, out long id)
        ? id : throw FaultException.Invalid($"{name}: a number is missing");
}
